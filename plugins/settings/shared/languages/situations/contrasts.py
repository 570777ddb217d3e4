"""Twelve situations that vectors are extracted from and nothing is trained on, answered in four languages."""

from __future__ import annotations

from harness_plugins.settings.shared.languages.problems import Template

CONTRASTS = (
    Template(
        id="towels",
        steps="a - b",
        a=range(7, 13),
        b=range(2, 6),
        question="A line holds {a} towels, and {b} of them are already dry. How many towels are still wet?",
        english="On the line there are {a} towels, and {b} of them are already dry. "
        "The other {a} - {b} = {n} towels are still wet.",
        spanish="En la cuerda hay {a} toallas y {b} ya están secas. "
        "Las otras {a} - {b} = {n} toallas todavía están mojadas.",
        french="Sur le fil, il y a {a} serviettes, et {b} sont déjà sèches. "
        "Les {a} - {b} = {n} autres serviettes sont encore mouillées.",
        german="Auf der Leine hängen {a} Handtücher, und {b} davon sind schon trocken. "
        "Die anderen {a} - {b} = {n} Handtücher sind noch nass.",
    ),
    Template(
        id="nests",
        steps="a * b",
        a=range(2, 6),
        b=range(2, 6),
        question="There are {a} nests in an old oak, and {b} young birds in each nest. How many young birds are there?",
        english="In each of the {a} nests there are {b} young birds. "
        "Since {a} × {b} = {n}, there are {n} young birds in the tree.",
        spanish="En cada uno de los {a} nidos hay {b} pájaros pequeños. "
        "Como {a} × {b} = {n}, en el árbol hay {n} pájaros pequeños.",
        french="Dans chacun des {a} nids, il y a {b} petits oiseaux. "
        "Comme {a} × {b} = {n}, il y a {n} petits oiseaux dans l'arbre.",
        german="In jedem der {a} Nester sitzen {b} kleine Vögel. "
        "Weil {a} × {b} = {n} ist, sitzen {n} kleine Vögel im Baum.",
    ),
    Template(
        id="dancers",
        steps="a + b",
        a=range(3, 8),
        b=range(2, 6),
        question="In a hall {a} girls and {b} boys dance together. How many children dance?",
        english="With the {a} girls there are also {b} boys who dance. "
        "So there are {a} + {b} = {n} children who dance together.",
        spanish="Con las {a} niñas bailan también {b} niños. Entonces son {a} + {b} = {n} los que bailan juntos.",
        french="Avec les {a} filles, il y a aussi {b} garçons qui dansent. "
        "Ils sont donc {a} + {b} = {n} à danser ensemble.",
        german="Mit den {a} Mädchen tanzen auch {b} Jungen. Es sind also {a} + {b} = {n} Kinder, die zusammen tanzen.",
    ),
    Template(
        id="boats",
        steps="a - b + c",
        a=range(7, 12),
        b=range(2, 5),
        c=range(2, 5),
        question="In a harbour there are {a} boats. Then {b} go out to sea and {c} others come in. "
        "How many boats are in the harbour then?",
        english="When {b} boats go out to sea, {a} - {b} = {m} stay in the harbour. "
        "As {c} others come in, there are then {m} + {c} = {n}.",
        spanish="Cuando {b} barcos salen al mar, en el puerto quedan {a} - {b} = {m}. "
        "Como llegan otros {c}, después hay {m} + {c} = {n}.",
        french="Quand {b} bateaux partent en mer, il en reste {a} - {b} = {m} dans le port. "
        "Comme {c} autres arrivent, il y en a ensuite {m} + {c} = {n}.",
        german="Wenn {b} Boote aufs Meer fahren, bleiben {a} - {b} = {m} im Hafen. "
        "Weil {c} andere ankommen, sind es danach {m} + {c} = {n}.",
    ),
    Template(
        id="nails",
        steps="a * b - c",
        a=range(2, 6),
        b=range(3, 6),
        c=range(2, 5),
        question="A carpenter buys {a} bags of {b} nails and uses {c} nails. How many nails does he still have?",
        english="The carpenter buys {a} × {b} = {m} nails in all. "
        "He has already used {c} of them, so he still has {m} - {c} = {n}.",
        spanish="El carpintero compra en total {a} × {b} = {m} clavos. "
        "Ya ha usado {c}, así que todavía tiene {m} - {c} = {n}.",
        french="Le menuisier achète en tout {a} × {b} = {m} clous. "
        "Il en a déjà utilisé {c}, donc il en a encore {m} - {c} = {n}.",
        german="Der Tischler kauft insgesamt {a} × {b} = {m} Nägel. "
        "Er hat schon {c} davon verbraucht, also hat er noch {m} - {c} = {n}.",
    ),
    Template(
        id="presents",
        steps="a * b + c",
        a=range(2, 5),
        b=range(2, 6),
        c=range(2, 6),
        question="A grandmother gives {b} coins to each of {a} children and keeps {c} for herself. "
        "How many coins did she have before?",
        english="She gives away {a} × {b} = {m} coins, and she keeps {c} for herself. "
        "Before that she had {m} + {c} = {n} coins.",
        spanish="Ella regala {a} × {b} = {m} monedas y guarda {c} para sí misma. "
        "Antes de eso tenía {m} + {c} = {n} monedas.",
        french="Elle donne {a} × {b} = {m} pièces, et elle en garde {c} pour elle-même. "
        "Avant cela, elle avait {m} + {c} = {n} pièces.",
        german="Sie verschenkt {a} × {b} = {m} Münzen, und {c} behält sie für sich. "
        "Vorher hatte sie also {m} + {c} = {n} Münzen.",
    ),
    Template(
        id="rain",
        steps="a - b",
        a=range(6, 13),
        b=range(2, 5),
        question="It rains on {b} of {a} days. On how many days does it not rain?",
        english="Of the {a} days there are {b} when it rains. On the other {a} - {b} = {n} days it does not rain.",
        spanish="De los {a} días hay {b} en los que llueve. En los otros {a} - {b} = {n} días no llueve.",
        french="Sur les {a} jours, il y en a {b} où il pleut. "
        "Pendant les {a} - {b} = {n} autres jours, il ne pleut pas.",
        german="Von den {a} Tagen gibt es {b}, an denen es regnet. "
        "An den anderen {a} - {b} = {n} Tagen regnet es nicht.",
    ),
    Template(
        id="vegetables",
        steps="a + b + c",
        a=range(3, 7),
        b=range(2, 6),
        c=range(2, 6),
        question="A woman plants {a} beans, {b} onions and {c} carrots. How many things does she plant?",
        english="The beans and the onions together are {a} + {b} = {m}. "
        "If we count the {c} carrots too, she has planted {m} + {c} = {n} things.",
        spanish="Las judías y las cebollas juntas son {a} + {b} = {m}. "
        "Si contamos también las {c} zanahorias, ha plantado {m} + {c} = {n} cosas.",
        french="Les haricots et les oignons font ensemble {a} + {b} = {m}. "
        "Si l'on compte aussi les {c} carottes, elle a planté {m} + {c} = {n} choses.",
        german="Die Bohnen und die Zwiebeln sind zusammen {a} + {b} = {m}. "
        "Wenn wir auch die {c} Möhren zählen, hat sie {m} + {c} = {n} Dinge gepflanzt.",
    ),
    Template(
        id="potatoes",
        steps="a * b",
        a=range(2, 6),
        b=range(3, 7),
        question="A cook makes {a} pots of soup and puts {b} potatoes into each pot. How many potatoes does he need?",
        english="Into each of the {a} pots the cook puts {b} potatoes. "
        "For all the soup he needs {a} × {b} = {n} potatoes.",
        spanish="En cada una de las {a} ollas el cocinero echa {b} patatas. "
        "Para toda la sopa necesita {a} × {b} = {n} patatas.",
        french="Dans chacune des {a} marmites, le cuisinier met {b} pommes de terre. "
        "Pour toute la soupe, il lui en faut {a} × {b} = {n}.",
        german="In jeden der {a} Töpfe gibt der Koch {b} Kartoffeln. "
        "Für die ganze Suppe braucht er {a} × {b} = {n} Kartoffeln.",
    ),
    Template(
        id="shelf",
        steps="a - b - c",
        a=range(9, 14),
        b=range(2, 5),
        c=range(2, 4),
        question="A shelf holds {a} books. A teacher takes {b} of them, and a pupil takes {c}. "
        "How many books are still on the shelf?",
        english="First the teacher takes {b} books, and {a} - {b} = {m} are still there. "
        "Then the pupil takes {c}, and {m} - {c} = {n} stay on the shelf.",
        spanish="Primero la maestra se lleva {b} libros y quedan {a} - {b} = {m}. "
        "Luego el alumno se lleva {c}, y en el estante quedan {m} - {c} = {n}.",
        french="D'abord, la maîtresse prend {b} livres, et il en reste {a} - {b} = {m}. "
        "Puis l'élève en prend {c}, et il en reste {m} - {c} = {n} sur l'étagère.",
        german="Zuerst nimmt die Lehrerin {b} Bücher, da bleiben {a} - {b} = {m}. "
        "Dann nimmt der Schüler {c}, und im Regal bleiben {m} - {c} = {n}.",
    ),
    Template(
        id="river",
        steps="a + b",
        a=range(5, 10),
        b=range(2, 6),
        question="A river was {a} metres wide. After the storm it is {b} metres wider. How many metres wide is it now?",
        english="Before the storm the river was {a} metres wide. "
        "Because it is now {b} metres wider, it is {a} + {b} = {n} metres wide.",
        spanish="Antes de la tormenta el río tenía {a} metros de ancho. "
        "Como ahora tiene {b} más, mide {a} + {b} = {n} metros.",
        french="Avant l'orage, la rivière avait {a} mètres de large. "
        "Comme elle en a maintenant {b} de plus, elle mesure {a} + {b} = {n} mètres.",
        german="Vor dem Sturm war der Fluss {a} Meter breit. "
        "Weil er jetzt {b} Meter breiter ist, ist er {a} + {b} = {n} Meter breit.",
    ),
    Template(
        id="pears",
        steps="(a - b) * c",
        a=range(5, 9),
        b=range(2, 4),
        c=range(2, 5),
        question="Of {a} young trees {b} carry no pears. Each of the others carries {c} pears. "
        "How many pears are there?",
        english="As {b} trees carry no pears, only {a} - {b} = {m} count. "
        "Each of these carries {c}, which makes {m} × {c} = {n} pears.",
        spanish="Como {b} árboles no dan peras, solo cuentan {a} - {b} = {m}. "
        "Cada uno de estos tiene {c}, así que en total hay {m} × {c} = {n} peras.",
        french="Comme {b} arbres ne portent pas de poires, on n'en compte que {a} - {b} = {m}. "
        "Chacun de ceux-ci en porte {c}, ce qui fait {m} × {c} = {n} poires.",
        german="Weil {b} Bäume keine Birnen tragen, zählen nur {a} - {b} = {m}. "
        "Jeder von diesen trägt {c}, das macht {m} × {c} = {n} Birnen.",
    ),
)

"""Fifteen situations outdoors and on the road that models are trained on, answered in four languages."""

from __future__ import annotations

from harness_plugins.settings.shared.languages.problems import Template

OUTDOORS = (
    Template(
        id="benches",
        steps="a * b",
        a=range(2, 7),
        b=range(2, 6),
        question="There are {a} benches in a park, and {b} people are sitting on each bench. "
        "How many people are sitting?",
        english="On each of the {a} benches there are {b} people. "
        "We multiply {a} × {b} = {n}, so {n} people are sitting there.",
        spanish="En cada uno de los {a} bancos hay {b} personas. "
        "Multiplicamos {a} × {b} = {n}, así que allí hay {n} personas sentadas.",
        french="Sur chacun des {a} bancs, il y a {b} personnes. "
        "On multiplie {a} × {b} = {n}, donc il y a {n} personnes assises.",
        german="Auf jeder der {a} Bänke sitzen {b} Leute. Wir rechnen {a} × {b} = {n}, also sitzen dort {n} Leute.",
    ),
    Template(
        id="apples",
        steps="a - b - c",
        a=range(10, 15),
        b=range(2, 5),
        c=range(2, 5),
        question="A tree has {a} apples. The wind blows down {b}, and a boy picks {c}. "
        "How many apples stay on the tree?",
        english="The wind blows down {b} apples, and {a} - {b} = {m} are left. "
        "Then the boy picks {c}, so {m} - {c} = {n} stay on the tree.",
        spanish="El viento tira {b} manzanas y quedan {a} - {b} = {m}. "
        "Luego el niño arranca {c}, así que en el árbol quedan {m} - {c} = {n}.",
        french="Le vent fait tomber {b} pommes, et il en reste {a} - {b} = {m}. "
        "Ensuite, le garçon en cueille {c}, donc il en reste {m} - {c} = {n} sur l'arbre.",
        german="Der Wind weht {b} Äpfel herunter, da bleiben {a} - {b} = {m}. "
        "Dann pflückt der Junge {c}, also hängen noch {m} - {c} = {n} am Baum.",
    ),
    Template(
        id="hens",
        steps="a * b + c",
        a=range(2, 6),
        b=range(2, 5),
        c=range(2, 6),
        question="A farmer has {a} hens, and each lays {b} eggs. He already had {c} eggs. "
        "How many eggs does he have now?",
        english="The hens lay {a} × {b} = {m} eggs, and the farmer already had {c}. "
        "So now he has {m} + {c} = {n} eggs.",
        spanish="Las gallinas ponen {a} × {b} = {m} huevos, y el granjero ya tenía {c}. "
        "Por eso ahora tiene {m} + {c} = {n} huevos.",
        french="Les poules pondent {a} × {b} = {m} œufs, et le fermier en avait déjà {c}. "
        "Maintenant, il en a donc {m} + {c} = {n}.",
        german="Die Hühner legen {a} × {b} = {m} Eier, und der Bauer hatte schon {c}. "
        "Jetzt hat er also {m} + {c} = {n} Eier.",
    ),
    Template(
        id="sister",
        steps="a + b",
        a=range(3, 10),
        b=range(2, 6),
        question="A boy is {a} years old. His sister is {b} years older than he is. How old is his sister?",
        english="The boy is {a} years old, and his sister was born {b} years before him. "
        "So she is now {a} + {b} = {n} years old.",
        spanish="El niño tiene {a} años y su hermana nació {b} años antes que él. "
        "Entonces ella tiene ahora {a} + {b} = {n} años.",
        french="Le garçon a {a} ans, et sa sœur est née {b} ans avant lui. Elle a donc maintenant {a} + {b} = {n} ans.",
        german="Der Junge ist {a} Jahre alt, und seine Schwester wurde {b} Jahre vor ihm geboren. "
        "Sie ist also jetzt {a} + {b} = {n} Jahre alt.",
    ),
    Template(
        id="fish",
        steps="a - b",
        a=range(7, 13),
        b=range(2, 6),
        question="A fisherman catches {a} fish and puts the {b} smallest back into the water. "
        "How many fish does he take home?",
        english="The fisherman caught {a} fish, but he put the {b} smallest back into the water. "
        "He takes {a} - {b} = {n} fish home.",
        spanish="El pescador sacó {a} peces, pero devolvió al agua los {b} más pequeños. "
        "Se lleva a su casa {a} - {b} = {n} peces.",
        french="Le pêcheur a pris {a} poissons, mais il a remis les {b} plus petits à l'eau. "
        "Il rapporte chez lui {a} - {b} = {n} poissons.",
        german="Der Fischer hat {a} Fische gefangen, aber die {b} kleinsten hat er wieder ins Wasser gesetzt. "
        "Er nimmt {a} - {b} = {n} Fische mit nach Hause.",
    ),
    Template(
        id="wages",
        steps="a * b - c",
        a=range(2, 5),
        b=range(4, 7),
        c=range(2, 6),
        question="A boy earns {b} euros an hour and works for {a} hours. Then he spends {c} euros. "
        "How many euros does he have left?",
        english="In {a} hours he earns {a} × {b} = {m} euros. "
        "Since he then spends {c}, he has {m} - {c} = {n} euros left.",
        spanish="En {a} horas gana {a} × {b} = {m} euros. "
        "Como luego gasta {c}, al final le quedan {m} - {c} = {n} euros.",
        french="En {a} heures, il gagne {a} × {b} = {m} euros. "
        "Comme il en dépense ensuite {c}, il lui reste {m} - {c} = {n} euros.",
        german="In {a} Stunden verdient er {a} × {b} = {m} Euro. "
        "Weil er danach {c} ausgibt, bleiben ihm noch {m} - {c} = {n} Euro.",
    ),
    Template(
        id="flowers",
        steps="a * b + c",
        a=range(2, 6),
        b=range(2, 6),
        c=range(2, 5),
        question="A garden has {a} rows of {b} flowers, and {c} more flowers grow by the gate. "
        "How many flowers are there?",
        english="In the rows there are {a} × {b} = {m} flowers. "
        "With the {c} that grow by the gate, there are {m} + {c} = {n}.",
        spanish="En las filas hay {a} × {b} = {m} flores. "
        "Si sumamos las {c} que crecen junto a la puerta, hay {m} + {c} = {n}.",
        french="Dans les rangées, il y a {a} × {b} = {m} fleurs. "
        "Avec les {c} qui poussent près de la porte, il y en a {m} + {c} = {n}.",
        german="In den Reihen stehen {a} × {b} = {m} Blumen. "
        "Mit den {c}, die neben dem Tor wachsen, sind es {m} + {c} = {n}.",
    ),
    Template(
        id="walk",
        steps="a - b",
        a=range(7, 13),
        b=range(2, 6),
        question="A village is {a} kilometres away. A man has already walked {b} kilometres. "
        "How many kilometres must he still walk?",
        english="The whole way is {a} kilometres long, and the man has already walked {b}. "
        "He must still walk {a} - {b} = {n} kilometres.",
        spanish="Todo el camino mide {a} kilómetros y el hombre ya ha andado {b}. "
        "Todavía tiene que andar {a} - {b} = {n} kilómetros.",
        french="Le chemin fait en tout {a} kilomètres, et l'homme en a déjà parcouru {b}. "
        "Il doit encore marcher {a} - {b} = {n} kilomètres.",
        german="Der ganze Weg ist {a} Kilometer lang, und {b} davon ist der Mann schon gegangen. "
        "Er muss noch {a} - {b} = {n} Kilometer gehen.",
    ),
    Template(
        id="trees",
        steps="a + b",
        a=range(4, 10),
        b=range(2, 6),
        question="There are {a} trees in a yard. In autumn {b} more are planted. How many trees are there then?",
        english="Before autumn there were {a} trees in the yard, and then {b} more were planted. "
        "So there are now {a} + {b} = {n} trees.",
        spanish="Antes del otoño había {a} árboles en el patio y luego plantaron {b} más. "
        "Así que ahora hay {a} + {b} = {n} árboles.",
        french="Avant l'automne, il y avait {a} arbres dans la cour, puis on en a planté {b} de plus. "
        "Il y a donc maintenant {a} + {b} = {n} arbres.",
        german="Vor dem Herbst standen {a} Bäume im Hof, und dann wurden noch {b} gepflanzt. "
        "Jetzt sind es also {a} + {b} = {n} Bäume.",
    ),
    Template(
        id="bones",
        steps="(a + b) * c",
        a=range(2, 5),
        b=range(2, 5),
        c=range(2, 5),
        question="Every day a dog eats {a} bones in the morning and {b} in the evening. "
        "How many bones does it eat in {c} days?",
        english="In the morning and the evening together, the dog eats {a} + {b} = {m} bones. "
        "In {c} days it eats {m} × {c} = {n} of them.",
        spanish="Entre la mañana y la noche, el perro come {a} + {b} = {m} huesos. "
        "Por lo tanto, en {c} días come {m} × {c} = {n}.",
        french="Entre le matin et le soir, le chien mange {a} + {b} = {m} os. "
        "En {c} jours, il en mange donc {m} × {c} = {n}.",
        german="Am Morgen und am Abend zusammen frisst der Hund {a} + {b} = {m} Knochen. "
        "In {c} Tagen frisst er also {m} × {c} = {n}.",
    ),
    Template(
        id="coins",
        steps="a - b",
        a=range(6, 13),
        b=range(2, 5),
        question="A man has {a} coins in his pocket. He loses {b} of them on the street. "
        "How many coins does he have now?",
        english="The man had {a} coins in his pocket, but he lost {b} of them on the street. "
        "Now he has only {a} - {b} = {n} coins.",
        spanish="El hombre llevaba {a} monedas en el bolsillo, pero perdió {b} en la calle. "
        "Ahora solo tiene {a} - {b} = {n} monedas.",
        french="L'homme avait {a} pièces dans sa poche, mais il en a perdu {b} dans la rue. "
        "Maintenant, il n'a plus que {a} - {b} = {n} pièces.",
        german="Der Mann hatte {a} Münzen in der Tasche, aber auf der Straße hat er {b} davon verloren. "
        "Jetzt hat er nur noch {a} - {b} = {n} Münzen.",
    ),
    Template(
        id="sheep",
        steps="a + b",
        a=range(4, 10),
        b=range(2, 6),
        question="A shepherd has {a} white sheep and {b} black sheep. How many sheep does he have?",
        english="The shepherd has {a} white sheep, and he also has {b} black ones. "
        "When he counts them all, he has {a} + {b} = {n} sheep.",
        spanish="El pastor tiene {a} ovejas blancas y también tiene {b} negras. "
        "Cuando las cuenta todas, tiene {a} + {b} = {n} ovejas.",
        french="Le berger a {a} moutons blancs, et il en a aussi {b} noirs. "
        "Quand il les compte tous, il a {a} + {b} = {n} moutons.",
        german="Der Hirte hat {a} weiße Schafe, und dazu hat er noch {b} schwarze. "
        "Wenn er sie alle zählt, sind es {a} + {b} = {n} Schafe.",
    ),
    Template(
        id="sweets",
        steps="a - b - c",
        a=range(9, 14),
        b=range(2, 5),
        c=range(2, 4),
        question="A girl takes {a} sweets along. She eats {b} of them and gives {c} to her brother. "
        "How many sweets does she still have?",
        english="When she has eaten {b} sweets, she has {a} - {b} = {m}. "
        "Then she gives {c} to her brother and keeps {m} - {c} = {n}.",
        spanish="Después de comerse {b} dulces, le quedan {a} - {b} = {m}. "
        "Luego le da {c} a su hermano y se queda con {m} - {c} = {n}.",
        french="Quand elle a mangé {b} bonbons, il lui en reste {a} - {b} = {m}. "
        "Ensuite, elle en donne {c} à son frère et en garde {m} - {c} = {n}.",
        german="Nachdem sie {b} Bonbons gegessen hat, hat sie noch {a} - {b} = {m}. "
        "Dann gibt sie ihrem Bruder {c} und behält {m} - {c} = {n}.",
    ),
    Template(
        id="train",
        steps="a + b",
        a=range(3, 8),
        b=range(2, 5),
        question="A train leaves at {a} o'clock in the morning, and the journey takes {b} hours. "
        "At what hour does it arrive?",
        english="The train leaves at {a} o'clock, and the journey takes {b} hours. "
        "Since {a} + {b} = {n}, it arrives at {n} o'clock.",
        spanish="El tren sale a las {a} y el viaje dura {b} horas. Como {a} + {b} = {n}, llega a las {n} de la mañana.",
        french="Le train part à {a} heures, et le voyage dure {b} heures. "
        "Comme {a} + {b} = {n}, il arrive à {n} heures du matin.",
        german="Der Zug fährt um {a} Uhr ab, und die Fahrt dauert {b} Stunden. "
        "Weil {a} + {b} = {n} ist, kommt er um {n} Uhr an.",
    ),
    Template(
        id="rope",
        steps="a - b",
        a=range(7, 13),
        b=range(2, 6),
        question="A rope is {a} metres long. A woman cuts off {b} metres. How many metres long is the rope now?",
        english="Before, the rope was {a} metres long, but the woman has cut off {b} metres. "
        "What is left is {a} - {b} = {n} metres long.",
        spanish="Antes la cuerda medía {a} metros, pero la mujer ha cortado {b}. "
        "Lo que queda mide {a} - {b} = {n} metros.",
        french="Avant, la corde mesurait {a} mètres, mais la femme en a coupé {b}. "
        "Ce qui reste mesure {a} - {b} = {n} mètres.",
        german="Vorher war das Seil {a} Meter lang, aber die Frau hat {b} Meter abgeschnitten. "
        "Was übrig bleibt, ist {a} - {b} = {n} Meter lang.",
    ),
)

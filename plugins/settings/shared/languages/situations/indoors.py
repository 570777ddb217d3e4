"""Fifteen situations indoors and in town that models are trained on, answered in four languages."""

from __future__ import annotations

from harness_plugins.settings.shared.languages.problems import Template

INDOORS = (
    Template(
        id="eggs",
        steps="a - b",
        a=range(7, 13),
        b=range(2, 5),
        question="A box holds {a} eggs, but {b} of them are broken. How many eggs are still whole?",
        english="There were {a} eggs in the box, but {b} of them are broken. So {a} - {b} = {n} eggs are still whole.",
        spanish="En la caja había {a} huevos, pero {b} están rotos. "
        "Así que todavía quedan {a} - {b} = {n} huevos enteros.",
        french="Il y avait {a} œufs dans la boîte, mais {b} sont cassés. Il reste donc {a} - {b} = {n} œufs entiers.",
        german="In der Schachtel waren {a} Eier, aber {b} davon sind zerbrochen. "
        "Also sind noch {a} - {b} = {n} Eier ganz.",
    ),
    Template(
        id="windows",
        steps="a + b",
        a=range(3, 8),
        b=range(2, 6),
        question="A woman washes {a} windows in the morning and {b} more after lunch. "
        "How many windows does she wash in all?",
        english="She washes {a} windows in the morning and then {b} more after lunch. "
        "Together that makes {a} + {b} = {n} windows.",
        spanish="Por la mañana limpia {a} ventanas y después de comer limpia otras {b}. "
        "En total son {a} + {b} = {n} ventanas.",
        french="Le matin, elle lave {a} fenêtres, puis elle en lave encore {b} après le déjeuner. "
        "Cela fait en tout {a} + {b} = {n} fenêtres.",
        german="Am Morgen putzt sie {a} Fenster und nach dem Mittagessen noch {b} weitere. "
        "Das sind zusammen {a} + {b} = {n} Fenster.",
    ),
    Template(
        id="bus",
        steps="a - b + c",
        a=range(7, 13),
        b=range(2, 5),
        c=range(2, 6),
        question="A bus carries {a} people. At the next stop {b} get off and {c} get on. "
        "How many people are on the bus now?",
        english="First {b} people get off, so {a} - {b} = {m} stay on the bus. "
        "Then {c} others get on, and that makes {m} + {c} = {n}.",
        spanish="Primero bajan {b} personas y en el autobús quedan {a} - {b} = {m}. "
        "Después suben otras {c}, y entonces hay {m} + {c} = {n}.",
        french="D'abord, {b} personnes descendent, et il en reste {a} - {b} = {m} dans le bus. "
        "Puis {c} autres montent, ce qui fait {m} + {c} = {n}.",
        german="Zuerst steigen {b} Leute aus, und im Bus bleiben {a} - {b} = {m}. "
        "Danach steigen {c} andere ein, und dann sind es {m} + {c} = {n}.",
    ),
    Template(
        id="loaves",
        steps="a * b - c",
        a=range(3, 6),
        b=range(3, 6),
        c=range(2, 6),
        question="A baker fills {a} baskets with {b} loaves each and sells {c} loaves. How many loaves are left?",
        english="At first the baker has {a} × {b} = {m} loaves. "
        "When he has sold {c} of them, {m} - {c} = {n} are left.",
        spanish="Al principio el panadero tiene {a} × {b} = {m} panes. "
        "Cuando ya ha vendido {c}, le quedan {m} - {c} = {n}.",
        french="Au début, le boulanger a {a} × {b} = {m} pains. "
        "Quand il en a vendu {c}, il lui en reste {m} - {c} = {n}.",
        german="Am Anfang hat der Bäcker {a} × {b} = {m} Brote. "
        "Wenn er {c} davon verkauft hat, bleiben ihm noch {m} - {c} = {n}.",
    ),
    Template(
        id="pages",
        steps="a + b + c",
        a=range(3, 7),
        b=range(2, 6),
        c=range(2, 6),
        question="A girl reads {a} pages on Monday, {b} on Tuesday and {c} on Wednesday. "
        "How many pages does she read in the three days?",
        english="On the first two days she reads {a} + {b} = {m} pages. "
        "With the {c} pages from Wednesday that makes {m} + {c} = {n}.",
        spanish="En los dos primeros días lee {a} + {b} = {m} páginas. "
        "Con las {c} del miércoles son ya {m} + {c} = {n} páginas.",
        french="Pendant les deux premiers jours, elle lit {a} + {b} = {m} pages. "
        "Avec les {c} pages du mercredi, cela fait {m} + {c} = {n}.",
        german="An den ersten beiden Tagen liest sie {a} + {b} = {m} Seiten. "
        "Mit den {c} Seiten vom Mittwoch sind es {m} + {c} = {n}.",
    ),
    Template(
        id="candles",
        steps="a - b",
        a=range(6, 13),
        b=range(2, 5),
        question="There are {a} candles burning on a cake. A child blows out {b} of them. "
        "How many candles are still burning?",
        english="At first all {a} candles were burning, but the child has blown out {b}. "
        "So {a} - {b} = {n} candles are still burning.",
        spanish="Al principio ardían las {a} velas, pero el niño ha apagado {b}. "
        "Por lo tanto, siguen encendidas {a} - {b} = {n} velas.",
        french="Au début, les {a} bougies brûlaient, mais l'enfant en a soufflé {b}. "
        "Il y a donc encore {a} - {b} = {n} bougies allumées.",
        german="Zuerst brannten alle {a} Kerzen, aber das Kind hat {b} davon ausgeblasen. "
        "Es brennen also noch {a} - {b} = {n} Kerzen.",
    ),
    Template(
        id="buttons",
        steps="a * b",
        a=range(2, 7),
        b=range(3, 7),
        question="A shirt needs {b} buttons. How many buttons do {a} shirts need?",
        english="Each shirt needs {b} buttons, and there are {a} shirts. "
        "For all of them we need {a} × {b} = {n} buttons.",
        spanish="Cada camisa lleva {b} botones y hay {a} camisas. "
        "Para todas ellas hacen falta {a} × {b} = {n} botones.",
        french="Il faut {b} boutons pour chaque chemise, et il y a {a} chemises. "
        "Pour toutes, il faut donc {a} × {b} = {n} boutons.",
        german="Jedes Hemd braucht {b} Knöpfe, und es gibt {a} Hemden. "
        "Für alle braucht man also {a} × {b} = {n} Knöpfe.",
    ),
    Template(
        id="cups",
        steps="a - b + c",
        a=range(6, 11),
        b=range(2, 5),
        c=range(2, 6),
        question="There are {a} cups on a table. A woman takes {b} away and later brings {c} clean ones. "
        "How many cups are on the table now?",
        english="She takes {b} cups away, so {a} - {b} = {m} are still on the table. "
        "Later she brings {c} clean ones, and then there are {m} + {c} = {n}.",
        spanish="Ella quita {b} tazas y en la mesa todavía hay {a} - {b} = {m}. "
        "Más tarde trae {c} limpias, y entonces hay {m} + {c} = {n}.",
        french="Elle enlève {b} tasses, et il en reste {a} - {b} = {m} sur la table. "
        "Plus tard, elle en apporte {c} propres, donc il y en a {m} + {c} = {n}.",
        german="Sie nimmt {b} Tassen weg, und auf dem Tisch stehen noch {a} - {b} = {m}. "
        "Später bringt sie {c} saubere, und dann sind es {m} + {c} = {n}.",
    ),
    Template(
        id="chairs",
        steps="a - b",
        a=range(7, 13),
        b=range(2, 6),
        question="A room has {a} chairs, and somebody is sitting on {b} of them. How many chairs are free?",
        english="There are {a} chairs in the room, and somebody is already sitting on {b} of them. "
        "So {a} - {b} = {n} chairs are still free.",
        spanish="En la sala hay {a} sillas y en {b} de ellas ya hay alguien sentado. "
        "Por eso todavía están libres {a} - {b} = {n} sillas.",
        french="Il y a {a} chaises dans la salle, et quelqu'un est déjà assis sur {b} d'entre elles. "
        "Il y a donc encore {a} - {b} = {n} chaises libres.",
        german="Im Zimmer stehen {a} Stühle, und auf {b} davon sitzt schon jemand. "
        "Frei sind also noch {a} - {b} = {n} Stühle.",
    ),
    Template(
        id="letters",
        steps="a + b - c",
        a=range(3, 8),
        b=range(3, 7),
        c=range(2, 5),
        question="A girl gets {a} letters on one day and {b} on the next. She has answered {c} of them. "
        "How many must she still answer?",
        english="In the two days she gets {a} + {b} = {m} letters. "
        "She has already answered {c}, so she must still answer {m} - {c} = {n}.",
        spanish="En los dos días recibe {a} + {b} = {m} cartas. "
        "Ya ha contestado {c}, así que todavía debe contestar {m} - {c} = {n}.",
        french="En deux jours, elle reçoit {a} + {b} = {m} lettres. "
        "Elle a déjà répondu à {c} d'entre elles, donc il lui en reste {m} - {c} = {n}.",
        german="In den zwei Tagen bekommt sie {a} + {b} = {m} Briefe. "
        "Auf {c} davon hat sie schon geantwortet, also fehlen noch {m} - {c} = {n}.",
    ),
    Template(
        id="milk",
        steps="a * b",
        a=range(3, 8),
        b=range(2, 6),
        question="A family drinks {b} bottles of milk every day. How many bottles does it drink in {a} days?",
        english="Every day the family drinks {b} bottles, and there are {a} days. "
        "So it drinks {a} × {b} = {n} bottles of milk.",
        spanish="La familia bebe {b} botellas cada día, y son {a} días. "
        "Así que bebe {a} × {b} = {n} botellas de leche.",
        french="La famille boit {b} bouteilles chaque jour, et cela pendant {a} jours. "
        "Elle boit donc {a} × {b} = {n} bouteilles de lait.",
        german="Die Familie trinkt jeden Tag {b} Flaschen, und das {a} Tage lang. "
        "Sie trinkt also {a} × {b} = {n} Flaschen Milch.",
    ),
    Template(
        id="pencils",
        steps="(a - b) * c",
        a=range(6, 10),
        b=range(2, 5),
        c=range(2, 4),
        question="A class has {a} children, but {b} are ill. Each child who is there gets {c} pencils. "
        "How many pencils are needed?",
        english="Since {b} children are ill, only {a} - {b} = {m} are there. "
        "Each of them gets {c} pencils, so they need {m} × {c} = {n}.",
        spanish="Como {b} niños están enfermos, solo han venido {a} - {b} = {m}. "
        "Cada uno recibe {c} lápices, así que hacen falta {m} × {c} = {n}.",
        french="Comme {b} enfants sont malades, il n'y en a que {a} - {b} = {m} en classe. "
        "Chacun reçoit {c} crayons, donc il en faut {m} × {c} = {n}.",
        german="Weil {b} Kinder krank sind, sind nur {a} - {b} = {m} da. "
        "Jedes von ihnen bekommt {c} Stifte, also braucht man {m} × {c} = {n}.",
    ),
    Template(
        id="boxes",
        steps="a * b",
        a=range(2, 7),
        b=range(2, 6),
        question="A man carries {b} boxes each time he goes up the stairs. He goes up {a} times. "
        "How many boxes does he carry up?",
        english="Each time the man carries {b} boxes, and he goes up {a} times. "
        "In this way he carries up {a} × {b} = {n} boxes.",
        spanish="El hombre lleva {b} cajas cada vez, y sube {a} veces. De esta manera sube {a} × {b} = {n} cajas.",
        french="L'homme porte {b} caisses à chaque fois, et il monte {a} fois. "
        "De cette façon, il monte {a} × {b} = {n} caisses.",
        german="Der Mann trägt jedes Mal {b} Kisten, und er geht {a} Mal hinauf. "
        "So bringt er {a} × {b} = {n} Kisten nach oben.",
    ),
    Template(
        id="guests",
        steps="a * b + c",
        a=range(2, 6),
        b=range(2, 5),
        c=range(2, 6),
        question="At a party there are {a} tables with {b} guests each, and {c} more guests are standing. "
        "How many guests are there?",
        english="At the tables {a} × {b} = {m} guests are sitting. "
        "There are also {c} who are standing, so {m} + {c} = {n} have come.",
        spanish="En las mesas están sentados {a} × {b} = {m} invitados. "
        "Además hay {c} que están de pie, así que han venido {m} + {c} = {n}.",
        french="Aux tables, {a} × {b} = {m} invités sont assis. "
        "Il y en a aussi {c} qui sont debout, donc {m} + {c} = {n} sont venus.",
        german="An den Tischen sitzen {a} × {b} = {m} Gäste. "
        "Außerdem gibt es {c}, die stehen, also sind {m} + {c} = {n} gekommen.",
    ),
    Template(
        id="pieces",
        steps="a * b - c",
        a=range(2, 6),
        b=range(3, 6),
        c=range(2, 5),
        question="A mother cuts {a} cakes into {b} pieces each. The children eat {c} pieces. How many pieces are left?",
        english="From the cakes the mother gets {a} × {b} = {m} pieces. "
        "The children eat {c} of them, so there are still {m} - {c} = {n}.",
        spanish="De las tartas la madre saca {a} × {b} = {m} trozos. "
        "Los niños se comen {c}, así que todavía quedan {m} - {c} = {n}.",
        french="La mère coupe les gâteaux en {a} × {b} = {m} morceaux. "
        "Les enfants en mangent {c}, donc il en reste encore {m} - {c} = {n}.",
        german="Aus den Kuchen schneidet die Mutter {a} × {b} = {m} Stücke. "
        "Die Kinder essen {c} davon, also bleiben noch {m} - {c} = {n}.",
    ),
)

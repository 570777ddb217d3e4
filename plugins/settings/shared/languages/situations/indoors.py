"""Seven situations indoors and in town that models are trained on, answered in four languages."""

from __future__ import annotations

from harness_plugins.settings.shared.languages.problems import Template

INDOORS = (
    Template(
        id="eggs",
        steps="a - b",
        a=range(5, 11),
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
        id="candles",
        steps="a - b",
        a=range(5, 11),
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
        steps="a - b",
        a=range(5, 11),
        b=range(2, 5),
        question="A shirt has {a} buttons, and {b} of them fall off. How many buttons are still on the shirt?",
        english="The shirt had {a} buttons and lost {b}. There are {a} - {b} = {n} buttons still on it.",
        spanish="La camisa tenía {a} botones y perdió {b}. Le quedan {a} - {b} = {n} botones.",
        french="La chemise avait {a} boutons et en a perdu {b}. Il lui reste {a} - {b} = {n} boutons.",
        german="Das Hemd hatte {a} Knöpfe und hat {b} verloren. Es hat noch {a} - {b} = {n} Knöpfe.",
    ),
    Template(
        id="chairs",
        steps="a - b",
        a=range(5, 11),
        b=range(2, 5),
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
        id="milk",
        steps="a + b",
        a=range(3, 9),
        b=range(2, 6),
        question="On Monday a family drinks {a} bottles of milk, and on Tuesday {b}. "
        "How many bottles does it drink in the two days?",
        english="It drinks {a} bottles on Monday and {b} on Tuesday. Together that is {a} + {b} = {n} bottles.",
        spanish="Bebe {a} botellas el lunes y {b} el martes. En total son {a} + {b} = {n} botellas.",
        french="Elle boit {a} bouteilles le lundi et {b} le mardi. En tout, cela fait {a} + {b} = {n} bouteilles.",
        german="Sie trinkt am Montag {a} Flaschen und am Dienstag {b}. Zusammen sind das {a} + {b} = {n} Flaschen.",
    ),
    Template(
        id="boxes",
        steps="a - b",
        a=range(5, 11),
        b=range(2, 5),
        question="A man has {a} boxes and carries {b} of them up the stairs. How many boxes are still below?",
        english="He had {a} boxes below and has carried {b} up. So {a} - {b} = {n} boxes are still below.",
        spanish="Tenía {a} cajas abajo y ha subido {b}. Así que abajo quedan {a} - {b} = {n} cajas.",
        french="Il avait {a} caisses en bas et en a monté {b}. Il en reste donc {a} - {b} = {n} en bas.",
        german="Er hatte unten {a} Kisten und hat {b} hinaufgetragen. Also stehen unten noch {a} - {b} = {n} Kisten.",
    ),
)

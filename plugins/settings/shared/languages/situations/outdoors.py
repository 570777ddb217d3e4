"""Nine situations outdoors and on the road that models are trained on, answered in four languages."""

from __future__ import annotations

from harness_plugins.settings.shared.languages.problems import Template

OUTDOORS = (
    Template(
        id="benches",
        steps="a + b",
        a=range(3, 9),
        b=range(2, 6),
        question="On one bench in a park sit {a} people, and on another {b}. How many people are sitting?",
        english="On the benches there are {a} and {b} people. So {a} + {b} = {n} people are sitting there.",
        spanish="En los bancos hay {a} y {b} personas. Así que allí hay {a} + {b} = {n} personas sentadas.",
        french="Sur les bancs, il y a {a} et {b} personnes. Cela fait {a} + {b} = {n} personnes assises.",
        german="Auf den Bänken sitzen {a} und {b} Leute. Also sitzen dort {a} + {b} = {n} Leute.",
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
        a=range(5, 11),
        b=range(2, 5),
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
        id="walk",
        steps="a - b",
        a=range(5, 11),
        b=range(2, 5),
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
        id="coins",
        steps="a - b",
        a=range(5, 11),
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
        id="train",
        steps="a + b",
        a=range(3, 8),
        b=range(2, 6),
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
        a=range(5, 11),
        b=range(2, 5),
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

extension DefaultText {
  /// Questions and answers, instructions, conversations. One text, long because it is data.
  static let answers = [
    #"""
    User: My sourdough starter used to double in four hours, and now it barely rises and smells like nail polish remover. Is it dead? I keep it on the kitchen counter and feed it once a day with equal weights of flour and water.

    Assistant: It is almost certainly not dead. A sharp, solvent-like smell is what a starter gives off when it has run out of food: the yeast and bacteria have eaten the available sugars, and some of them begin producing compounds such as ethyl acetate and, in smaller amounts, acetone. In other words, your culture is hungry, not sick. The sluggish rise fits the same explanation, because a starter that spends most of the day starving becomes very acidic, and strong acidity slows the yeast down while also weakening the gluten that is supposed to hold the bubbles.

    The most likely culprit is the feeding ratio combined with the temperature. If you keep 100 g of starter and add 50 g of flour and 50 g of water, you are giving a large population a small meal. In a cool winter kitchen that may last until the next feeding; in a warm one, it is gone by lunchtime.

    Here is a recovery plan that usually works within three or four days:

    1. Discard all but 10 g of the starter. It feels drastic, but a spoonful contains plenty of living cells.
    2. Add 50 g of flour and 50 g of water, which gives you a ratio of 1:5:5. If you have some wholemeal or rye flour, use it for a third of the total, since it carries more minerals and more wild yeast than white flour does.
    3. Mark the level on the jar with a rubber band and write down the time.
    4. Wait until the starter has peaked and is just beginning to sink in the middle, then feed again. On the first day this may take fourteen hours; by the third day it should be closer to eight.
    5. Once it doubles reliably two times in a row, go back to baking with it.

    After that, choose a routine that matches how often you bake. If you bake several times a week, keep it on the counter with a ratio of 1:5:5 and feed it every twelve hours. If you bake only at weekends, put it in the refrigerator right after a feeding and take it out the evening before you need it.

    There are two signs that really do mean you should throw a starter away: fuzzy growth of any colour on the surface, and pink or orange streaks. A layer of grey liquid on top, on the other hand, is harmless. You can pour it off or stir it back in, depending on how sour you like your bread.

    User: Great, thanks. Can I use the discarded part for anything?

    Assistant: Yes. Because it is acidic and no longer very strong, treat it as a flavouring rather than as a leavener. It is good in pancakes and waffles (with baking soda, which reacts with the acid), in crackers rolled out thin with olive oil and seeds, and in a batter for frying onions. Collect it in a jar in the fridge for up to a week, and use it in anything that will be thoroughly cooked.
    """#,
    #"""
    User: Write an email to my landlord. The extractor fan in the bathroom has been broken for five weeks, I've reported it twice by phone, and now there's mould on the ceiling. I want it fixed but I don't want to sound aggressive because we normally get on well. Please keep it fairly short.

    Assistant: Here is a draft that is friendly in tone but clear about dates and about what you would like to happen:

    Subject: Bathroom extractor fan at Flat 6 – repair needed

    Dear Ms Harcastle,

    I hope you are well. I am writing about the extractor fan in the bathroom, which stopped working about five weeks ago. I mentioned it when we spoke on the phone on the 3rd and again on the 17th, but I realise these things are easy to lose track of, so I thought it would be useful to put it in writing.

    Since the fan failed, moisture has been collecting on the ceiling, and there is now a patch of black mould roughly the size of a dinner plate above the shower. I have been keeping the window open and wiping the surface down after use, but without ventilation it keeps coming back, and I am concerned that it will damage the plaster.

    Would it be possible to arrange for an electrician to look at the fan within the next ten days, and to have the affected area treated once it is working again? I am at home most mornings before eleven and all day on Fridays, and I am happy to let someone in at other times if I have a day's notice. I have attached three photographs so that you can see the current state of the ceiling.

    Thank you for your help, and please give me a ring if you would rather discuss it.

    Kind regards,
    [Your name]

    A few notes on the choices I made. I included the dates of both phone calls without commenting on the delay, because a simple record is more useful than a complaint if the matter ever drags on. I also mentioned the steps you have taken yourself, which shows that you are looking after the flat. Finally, I gave a concrete time frame; "as soon as possible" tends to be read as "whenever it suits you". If you reported the fault on other dates, change those before sending.

    User: That's perfect. Could you also do a text-message version in case she doesn't read her emails?

    Assistant: Of course:

    "Hi Ms Harcastle, just to let you know I've sent you an email with photos about the bathroom fan at Flat 6. It's been out for five weeks now and there's some mould on the ceiling, so I'd be grateful if someone could come and look at it in the next ten days. Mornings before 11 or any time Friday are good for me. Many thanks!"

    User: And if nothing happens after the ten days?

    Assistant: Then send a second, slightly more formal email that refers to the first one by date, repeats the request and sets a final deadline, for example another seven days. Keep it factual. If that is ignored as well, contact the housing department of your local council or a tenants' advice service before you do anything else. In particular, don't withhold rent or hire a contractor at the landlord's expense without advice, since in many places doing so without following the right procedure can put you in the wrong.
    """#,
    #"""
    User: Please summarize the following text in no more than five bullet points, and then give me one sentence I could use as a caption.

    "When the ferry company announced that it would stop serving the island of Tarsk in the winter months, most people on the mainland assumed that the two hundred residents would simply leave. The school had eleven pupils, the clinic opened on Tuesdays only, and the last shop had been losing money for years. Instead, the islanders did something that surprised even those who knew them well. In the course of a single autumn they founded a cooperative, bought a thirty-year-old fishing vessel, and had it converted to carry twelve passengers and two tonnes of freight.

    The purchase was financed by selling shares at a price of forty crowns each. Nobody was allowed to own more than fifty, and every shareholder has exactly one vote regardless of the number held. Nearly a third of the shares were bought by people who had never lived on Tarsk but had spent summers there as children. The boat now crosses three times a week, weather permitting, and is crewed by volunteers who have obtained the necessary certificates; only the skipper draws a salary.

    Not everything has gone smoothly. In its first winter the vessel spent nineteen days in the repair yard, and on two occasions a doctor had to be flown in by helicopter at considerable cost to the regional health service. Insurance premiums have doubled. Some residents complain that the cooperative's meetings, which are held in the old net loft and tend to last until midnight, have replaced one kind of isolation with another: those who do not attend feel that decisions are made without them.

    Yet the numbers are hard to argue with. The population has risen to two hundred and twenty-six, the school now has seventeen pupils, and a bakery has opened in the former customs house. 'We did not save the island,' says the cooperative's treasurer, a retired surveyor. 'We just stopped waiting for somebody else to do it.'"

    Assistant: **Summary**

    - After the ferry company cancelled its winter service to the island of Tarsk, the roughly 200 residents formed a cooperative and converted an old fishing boat to carry twelve passengers and two tonnes of freight.
    - The boat was paid for with shares at 40 crowns, limited to fifty per person and with one vote per shareholder; almost a third were sold to former summer visitors.
    - It sails three times a week with a volunteer crew, and only the skipper is paid.
    - There have been setbacks: nineteen days of repairs in the first winter, two expensive helicopter flights for a doctor, doubled insurance premiums, and complaints that people who miss the long meetings are left out of decisions.
    - Nevertheless, the population has grown to 226, the school from eleven to seventeen pupils, and a bakery has opened.

    **Caption:** Left without a winter ferry, the people of Tarsk bought a boat of their own – and the island began to grow again.

    User: Is the author in favour of the cooperative or neutral?

    Assistant: Sympathetic, I would say, but not uncritical. The third paragraph gives the problems fair space, including one that is social rather than financial. However, the order of the argument is telling: the objections are followed by "Yet the numbers are hard to argue with", and the piece closes with a quotation that casts the islanders as people who took matters into their own hands. A strictly neutral report would probably have ended on an open question.
    """#,
    #"""
    User: We're renovating a 110 m² house built in the sixties and have to replace the oil boiler. Can you compare the realistic options in a table and tell me what you'd think about first?

    Assistant: Here is an overview of the systems that are usually considered for a detached house of that size. The figures are rough orders of magnitude meant to help you compare; quotations in your area may differ considerably.

    | System | Purchase and installation | Running costs | Space required | Works well with old radiators? | Main drawback |
    |---|---|---|---|---|---|
    | Air-source heat pump | medium to high | low to medium | outdoor unit plus a small tank | often, if the flow temperature can stay below 55 °C | efficiency falls on very cold days |
    | Ground-source heat pump | high | low | boreholes or a large garden | same as above | cost of drilling, permits |
    | Pellet boiler | medium to high | medium | 6–8 m² for the fuel store | yes | ash removal, deliveries, chimney |
    | Gas condensing boiler | low to medium | medium, uncertain in future | very little | yes | fossil fuel, price risk |
    | District heating | low to medium | depends on the supplier | very little | yes | only where a network exists |
    | Direct electric heating | low | very high | none | not applicable | expensive to run except in tiny or very well insulated homes |

    **What I would look at first**

    The question that decides almost everything else is how much heat the house needs on the coldest day of the year. A building from the sixties that has never been insulated may need 120 watts per square metre, which comes to about 13 kW; with an insulated loft, new windows and a treated façade, the same house may get by with half of that. Since a heat pump is priced by its capacity, insulating before choosing the machine can pay for part of itself.

    The second question is the flow temperature. There is a simple test you can do yourself in January: turn the boiler's flow temperature down to 55 °C, open all the radiator valves, and see whether the rooms still get warm. If they do, your radiators are large enough for a heat pump. If only one or two rooms stay cool, replacing the radiators in those rooms is usually cheaper than people expect.

    **A sensible order of steps**

    1. Have an independent energy adviser calculate the heat load room by room.
    2. Insulate the loft and the basement ceiling; both are cheap and quick.
    3. Check which subsidies exist and whether you have to apply *before* signing a contract.
    4. Get three quotations based on the same heat load, so that you can compare them.
    5. Ask each installer for the expected seasonal performance factor in writing.

    **In short:** if the 55 °C test goes well and you have room for the outdoor unit at a reasonable distance from the neighbours, an air-source heat pump is the option I would examine first. If the test fails badly and you are not able to insulate within the next few years, a pellet boiler is the more forgiving choice. I would only consider gas if none of the others can be installed.
    """#,
    #"""
    User: I have red lentils, a tin of coconut milk, two carrots, an onion, half a lemon, and the usual spices. I'm cooking for four, one of them can't eat gluten and one hates coriander. What can I make in under 40 minutes?

    Assistant: A thick lentil and coconut soup would suit all four of you. None of the main ingredients contains gluten (do check the label if you use a stock cube, because some contain wheat), and fresh coriander can be replaced with mint, parsley or simply nothing at all.

    ## Red lentil soup with coconut and lemon

    **Serves 4 · about 35 minutes**

    ### Ingredients

    - 250 g red lentils
    - 1 large onion, finely chopped
    - 2 carrots, cut into small dice
    - 2 cloves of garlic and a thumb-sized piece of ginger, grated (optional)
    - 2 tablespoons oil
    - 1½ teaspoons ground cumin
    - 1 teaspoon turmeric
    - ½ teaspoon chilli flakes, more or less according to taste
    - 1 tablespoon tomato purée
    - 1 litre vegetable stock
    - 1 tin (400 ml) coconut milk
    - juice of ½ lemon
    - salt

    ### Method

    1. Rinse the lentils in a sieve until the water runs clear. This washes off the starch that would otherwise foam up and boil over.
    2. Heat the oil in a large pan over a medium flame. Add the onion and carrots with a pinch of salt and cook for 8 minutes, stirring now and then, until the onion is soft and just beginning to colour.
    3. Stir in the garlic, ginger, cumin, turmeric and chilli. After 30 seconds, when the kitchen smells good, add the tomato purée and let it fry for another minute. Don't skip this: spices taste dusty if they are only boiled.
    4. Add the lentils and the stock. Bring to the boil, skim off any foam, lower the heat, and simmer with the lid half on for 15 minutes. The lentils should have collapsed completely.
    5. Pour in the coconut milk, keeping back four spoonfuls for serving. Simmer for 3 minutes more.
    6. Blend about half of the soup with a stick blender, so that it becomes creamy but still has some texture.
    7. Take the pan off the heat, add the lemon juice, and taste. If it seems flat, it almost always needs more salt or more lemon rather than more spice.

    Ladle into bowls, swirl a spoonful of coconut milk into each, and finish with a few chilli flakes.

    ### Variations

    - **More filling:** serve over rice, or add two handfuls of spinach in the last minute.
    - **Crunchy topping:** fry some thinly sliced onion in plenty of oil until dark golden, and drain on kitchen paper.
    - **Leftovers:** it thickens in the fridge, where it will keep for three days. Thin it with water when you reheat it. It also freezes well.

    User: I only have green lentils after all, sorry! Does it still work?

    Assistant: It works, but it becomes a different dish. Green lentils keep their shape and need 30 to 35 minutes, so you would go slightly over your limit. I'd put them on in plain water before you start chopping, drain them when they are tender, and add them to the vegetables together with only 600 ml of stock. Leave out the blending, and you have something closer to a stew.
    """#,
    #"""
    User: Can you translate this German text message into English? It's from the woman who looks after our holiday flat. "Hallo, kurze Info: Der Schlüssel liegt wie immer unter dem Blumentopf, aber bitte nicht den linken nehmen, der wackelt. Die Heizung habe ich schon angemacht, es dürfte also mollig warm sein. Falls das Wasser anfangs etwas bräunlich aus dem Hahn kommt, einfach ein paar Minuten laufen lassen. Und der Nachbar hat gefragt, ob ihr das Auto diesmal nicht vor seine Einfahrt stellen könntet. Gute Fahrt!"

    Assistant: Here is a natural English version:

    "Hello, just a quick note: the key is under the flowerpot as usual, but please don't take the left one, it's wobbly. I've already switched the heating on, so it should be nice and cosy. If the water comes out of the tap a bit brownish at first, just let it run for a few minutes. And the neighbour has asked whether you could avoid parking in front of his driveway this time. Have a good trip!"

    One small remark: "nicht den linken nehmen" means that there are two flowerpots, and that you shouldn't lift the one on the left. Grammatically, "den linken" could refer to a key as well, but the word "wackelt" only makes sense for the pot.

    User: Ha, good to know. Could you write a short reply in German? I'd like to say thank you, that we'll arrive around nine in the evening because of the traffic, and that we're sorry about the car last time. We use first names with her.

    Assistant: Gladly:

    "Hallo Gudrun, vielen Dank für die Infos und fürs Heizen! Wir stehen leider im Stau und kommen wohl erst gegen neun Uhr abends an. Das mit dem Auto beim letzten Mal tut uns leid, sag dem Nachbarn bitte, dass wir diesmal woanders parken. Liebe Grüße und bis bald!"

    I have used the informal "du" form ("sag dem Nachbarn"), which fits the use of first names. The name Gudrun is a placeholder, so please replace it.

    User: What's the difference between "tut uns leid" and "Entschuldigung"? I always mix them up.

    Assistant: Both can be used to apologize, but they work differently:

    | Expression | Literal meaning | Typical use |
    |---|---|---|
    | Es tut mir/uns leid | "It does me/us sorrow" | regret, also for things that are not your fault |
    | Entschuldigung | "Removal of blame" | small accidents; getting somebody's attention |
    | Entschuldige / Entschuldigen Sie | "Excuse (me)" | the same, informal / formal |
    | Verzeihung | "Forgiveness" | somewhat more formal or old-fashioned |

    So if you bump into someone on the train, you say "Entschuldigung!". If a friend tells you that her grandmother has died, you say "Das tut mir leid", and never "Entschuldigung", which would sound as though you had something to do with it. For your parking mistake both are possible. "Tut uns leid" expresses that you regret it, while "Entschuldigung wegen des Autos" asks to be excused for it. In everyday speech, "sorry" is now used very widely, too, mostly for little things: "Sorry, ich hab dich nicht gesehen."

    User: And how would I ask her whether there's a supermarket that's open late?

    Assistant: "Weißt du, ob es in der Nähe einen Supermarkt gibt, der abends länger aufhat?" The verb "aufhaben" is colloquial for "to be open". In a written note you could also say "der länger geöffnet hat".
    """#,
    #"""
    User: Explain to a complete beginner how to repair a flat bicycle tyre. I have tyre levers, a pump and a patch kit. It's the rear wheel, with a derailleur.

    Assistant: You have everything you need. Allow about forty minutes the first time; with practice it takes fifteen.

    **Before you start.** Shift to the smallest sprocket at the back (the outermost one). This slackens the chain and makes the wheel much easier to take out and to put back.

    **Step 1: Remove the wheel.** Turn the bicycle upside down on its saddle and handlebars, or lay it on its left side so that the chain faces up. If you have rim brakes, open the brake so that the tyre can pass between the pads. Open the quick-release lever or undo the nuts on both sides. Pull the derailleur body backwards with one hand and lift the wheel out with the other. Your hands will get dirty; that is normal.

    **Step 2: Take off one side of the tyre.** Let out any remaining air. Squeeze the tyre all the way round, pushing its edges towards the middle of the rim, where there is a deeper channel. Opposite the valve, slide a lever under the edge of the tyre and lever it over the rim. Hook the other end of the lever onto a spoke. Insert the second lever a hand's width away and do the same, then run it along the rim until one whole side is free.

    **Step 3: Take out the tube and find the hole.** Pull out the tube, leaving the valve until last. Pump it up until it is about twice its normal thickness, hold it near your cheek or your ear, and turn it slowly. If you can't hear or feel anything, pass it through a bowl of water and watch for bubbles. Mark the place with a pen.

    **Step 4: Find out what caused it.** This is the step everyone forgets. Run your fingers *carefully* along the inside of the tyre and look for a thorn, a splinter of glass or a piece of wire. If you leave it in, you will be doing all this again tomorrow. Two small parallel holes mean that the tube was pinched against the rim because the pressure was too low. A hole on the side facing the hub means that the rim tape has moved and a spoke end has poked through.

    **Step 5: Patch.**

    - Roughen an area slightly larger than the patch with the sandpaper.
    - Spread a thin layer of rubber solution over it and *wait five minutes*. It has to look matt and feel dry.
    - Peel off the foil, press the patch on firmly from the centre outwards, and hold it for a minute.

    **Step 6: Put it back together.** Pump just enough air into the tube to give it a shape. Insert the valve first and tuck the tube into the tyre. Now push the edge of the tyre back over the rim with your thumbs, beginning at the valve and finishing opposite it. Avoid using levers for this, because they can pinch the tube. Go round once more and check that no part of the tube is peeping out.

    **Step 7: Inflate and refit.** Pump to the pressure printed on the side of the tyre. Lay the chain over the smallest sprocket, pull the derailleur back, and drop the wheel into the frame. Tighten it, close the brake, spin the wheel, and squeeze the brake lever twice before you ride off.
    """#,
    #"""
    User: I run a small public library in a town of about 9,000 people. We have a budget of 1,500 for the year for events, one spare room, and two part-time volunteers. Brainstorm ideas for getting people between 15 and 30 through the door. Please don't suggest a gaming night, we tried that.

    Assistant: Happy to. I have grouped the ideas by what they ask of you, starting with the ones that cost almost nothing.

    ### Use what you already have

    1. **Silent study season.** In the six weeks before exams, keep the spare room open until ten in the evening, with tea, extension leads and a strict no-talking rule. Students rarely need an event; they need a table, a socket and other people who are also working.
    2. **Blind date with a book.** Wrap thirty books in brown paper and write three clues on each. It is an old trick, but it works, and the volunteers can prepare it in an afternoon.
    3. **The shelf of strong opinions.** Invite visitors to put a slip of paper into any book they loved or hated. Display the best slips at the entrance.
    4. **Library of things.** Lend a sewing machine, a projector, a telescope, a drill. Many of these can be collected through a public appeal for donations.

    ### Small regular formats

    5. **Repair evening.** Once a month, people who can solder, sew or fix bicycles help those who can't. Young adults come for the phone screen and stay for the conversation.
    6. **Letter-writing hour for grown-up bureaucracy.** First tax return, first rental contract, first complaint to an insurer: two volunteers, a printer and a kettle.
    7. **One-page club.** A book club for people who have no time to read: everybody receives the same single page on arrival, reads it on the spot, and discusses it for half an hour.
    8. **Language tandem tables**, with a small flag on each table and a list of questions for those who are shy.

    ### Projects with a result

    9. **The town's sound archive.** Participants record interviews with older residents and edit them into ten-minute episodes. The equipment costs about 300 and can be borrowed afterwards.
    10. **A zine in a weekend.** From blank paper to fifty stapled copies between Friday evening and Sunday lunch. Keep every issue in the local collection; being catalogued is a surprisingly strong incentive.
    11. **Seed exchange.** A drawer of labelled envelopes, a talk in March, a tomato competition in August.

    ### How I would spend the 1,500

    | Item | Amount |
    |---|---|
    | Recording equipment for no. 9 | 300 |
    | Tools and consumables for no. 5 | 250 |
    | Paper, printing and staplers for no. 10 | 200 |
    | Tea, coffee and biscuits for the whole year | 350 |
    | Fees for two outside workshop leaders | 300 |
    | Reserve | 100 |

    If I had to pick only two, I would begin with the study season and the repair evening. The first brings in people who already have a reason to come; the second gives them a reason to return once the exams are over. And one piece of advice that costs nothing: ask four or five people of that age to choose the *next* two ideas, and let them put their names on the poster.
    """#,
    #"""
    User: How do noise-cancelling headphones actually work? Someone told me that they produce "anti-noise", but surely adding more sound makes things louder?

    Assistant: Your intuition is right for most situations, and it is worth understanding why this one is an exception.

    Sound is a rapid variation in air pressure. When a wave passes, the pressure at your eardrum rises slightly above the average, then falls slightly below it, and so on, hundreds or thousands of times per second. If a second sound arrives at the same time, the two pressures simply add up at every instant. Usually the two sounds have nothing to do with each other: at some moments they reinforce each other, at others they partly cancel, and on average the result is louder. But suppose that the second sound is an exact mirror image of the first, so that it pushes whenever the first one pulls. Then the sum is zero at every instant, and you hear nothing. That is all "anti-noise" means. It isn't a special kind of sound, just an ordinary one with the opposite sign.

    To make this happen, the headphones contain three things: one or more microphones, a fast signal processor, and the loudspeaker that plays your music anyway. There are two basic arrangements. In a *feedforward* design, a microphone on the outside listens to the noise before it reaches your ear. The processor predicts how the ear cup will change that noise, flips the sign, and sends the result to the speaker. In a *feedback* design, a microphone inside the cup listens to what is left over, and the processor keeps adjusting its output in order to make the remainder as small as possible. Good headphones combine both, because the first reacts early and the second corrects mistakes.

    Now, why do they deal so well with the hum of an aeroplane and so badly with a crying baby? The answer lies in timing. The mirror image has to be aligned with the original within a small fraction of a wavelength. A hum at 100 Hz has a wavelength of about 3.4 metres and repeats itself every ten milliseconds, so a tiny delay of, say, 0.1 milliseconds hardly matters: it is one hundredth of a cycle. At 4,000 Hz, a cycle lasts only 0.25 milliseconds, and the same delay amounts to almost half of it. At that point the "anti-noise" no longer cancels the sound but may even add to it. For this reason, the electronics concentrate on low frequencies, and the high ones are left to the padding, which happens to block them quite well.

    There is a second reason: a steady hum is predictable. What happened in the last second is an excellent guide to what will happen in the next one. A shout, a door slamming or a spoken word is over before the system has had time to adapt.

    Two practical consequences follow from this. First, the fit matters more than you would think. If the cushion doesn't seal, low-frequency sound leaks in through the gap, precisely where the electronics are supposed to help. Glasses with thick arms are a common cause. Second, the strange feeling of pressure that some people notice is not a real change in pressure. It probably arises because the low frequencies disappear while the high ones remain, a combination which the brain otherwise knows only from a blocked ear.

    In short: more sound can indeed be quieter, provided that it's the right sound at the right time.
    """#,
    #"""
    User: I'm 46 and have never played an instrument. I'd like to learn the cello. Everyone says I'm too old. Is it a silly idea? I can spare maybe 30 minutes a day.

    Assistant: It isn't silly at all, though I'd rather give you an honest picture than a pep talk.

    What is true about starting late is that you will probably never play in a professional orchestra, and that certain fine movements of the left hand take longer to become automatic than they do in a child of eight. What isn't true is that adults cannot learn. Adults understand explanations, they hear when something is out of tune, they can plan their own practice, and, above all, nobody is forcing them. The thing that makes most adult beginners give up is not a lack of ability but the gap between what they can already appreciate and what they are able to produce. A child is proud of "Twinkle, Twinkle"; a grown-up has heard recordings of the great suites and winces at every note. If you can tolerate sounding bad for about a year, you have already passed the most difficult test.

    With half an hour a day, you might expect something like this:

    - **After three months:** a fairly steady tone on open strings, simple tunes in first position, a sore thumb.
    - **After one year:** folk songs and easy duets with your teacher, some of them genuinely pleasant to listen to.
    - **After three years:** the first shifts to higher positions, vibrato that works on good days, and a place at the back of an amateur orchestra that welcomes beginners.
    - **After five years or more:** a great deal of chamber music written for amateurs, and slow movements from the standard repertoire.

    Some advice that I think will make a difference:

    **Rent before you buy.** A decent rental instrument costs less per month than two restaurant meals, and the shop will look after adjustments. Very cheap cellos sold online are often so badly set up that even a professional would struggle with them.

    **Take lessons from the start.** Posture and bow hold are nearly impossible to judge from the inside. If weekly lessons are too expensive, one every two weeks for the first six months is far better than a video course alone.

    **Divide up your half hour.** Five minutes of long, slow bows; ten minutes on one technical problem; ten minutes on a piece; five minutes of playing whatever you like. Practising the same bar thirty times without thinking mostly teaches you to play it wrong.

    **Play with other people as early as you can.** This is the reason for which most instruments were invented. Even two notes are enough to accompany a song.

    **Look after your body.** Pain in the wrist, shoulder or back is a signal to stop and ask, not a sign of diligence.

    One last thought. You will be 51 in five years' time whether or not you take up the cello. The only question is whether you'd like to be able to play it by then.

    User: That last sentence got me. How do I find a teacher who's used to adults?

    Assistant: Ask directly, and ask early: "How many adult beginners do you teach at the moment, and how long have they stayed with you?" A good answer to the second question tells you more than any diploma. Most teachers offer a trial lesson; if you leave it feeling curious rather than ashamed, you've probably found the right person.
    """#,
    #"""
    **Question**

    I've been using Git for about a year and I still don't really understand when to use `git rebase` and when to use `git merge`. A colleague told me never to rebase. Another one tells me to always rebase. Who is right?

    **Answer**

    Neither of them, but both have a point. Let's look at what the commands do before we talk about rules.

    Imagine that you created a branch called `search-box` from `main` and made two commits on it, D and E. Meanwhile, somebody else added commit C to `main`:

    ```
    A---B---C          main
         \
          D---E        search-box
    ```

    If you are on `search-box` and run `git merge main`, Git creates a new commit M with two parents. Nothing that existed before is changed:

    ```
    A---B---C----
         \       \
          D---E---M    search-box
    ```

    If you run `git rebase main` instead, Git takes the *changes* introduced by D and E and applies them again, one after another, on top of C. The results look similar, but they are new commits with new hashes:

    ```
    A---B---C              main
             \
              D'---E'      search-box
    ```

    The history is now a straight line and easy to read. The price is that D and E have been replaced. If a colleague has already based work on the old E, their history and yours no longer fit together, and the next pull will produce duplicate commits and confusing conflicts. That is the true core of "never rebase".

    So here is a rule that most teams can live with:

    - **Rebase commits that only you have.** Before opening a pull request, tidy up your local work with `git rebase -i main`: reorder, squash the "fix typo" commits, rewrite messages.
    - **Merge commits that others may have.** Never rebase `main`, release branches, or a feature branch several people are working on.

    Some commands worth remembering:

    ```bash
    git fetch origin
    git rebase origin/main        # replay my commits on top of the latest main
    git rebase --continue         # after resolving a conflict and 'git add'-ing the files
    git rebase --abort            # get me out of here, restore the previous state
    git push --force-with-lease   # update my own remote branch after a rebase
    ```

    Note the last one. A plain `--force` overwrites whatever is on the server, whereas `--force-with-lease` refuses if somebody has pushed in the meantime and you haven't fetched it yet.

    What about conflicts? With a merge you resolve all of them at once, in a single commit. With a rebase you may have to resolve them commit by commit, which is sometimes tedious, but each individual conflict tends to be smaller. If you find yourself resolving the same conflict over and over, turn on `git config --global rerere.enabled true`, which makes Git remember your resolutions.

    Finally, if something goes wrong, don't panic. The old commits still exist for a while. Run `git reflog`, find the line from before the rebase, and return to it with `git reset --hard HEAD@{3}` (or whatever number is shown). As long as your work has been committed at some point, it is very hard to lose it for good.
    """#,
    #"""
    System: You extract structured data from messages sent to a furniture workshop. Reply with valid JSON only. Use null if a value isn't mentioned. Dates are written in the form YYYY-MM-DD. Possible values of "intent" are "quote", "complaint", "delivery_change", "question" and "other".

    User: Message received on Monday, 2031-03-10: "Hi there, we ordered the oak table (order number T-20418) for delivery this Thursday, but the painters are still in the house, so could you please bring it a week later? The afternoon would be best. Ring 2nd floor. Thanks, Family Brandvold"

    Assistant: {
      "intent": "delivery_change",
      "customer_name": "Brandvold",
      "order_number": "T-20418",
      "items": [
        {"description": "oak table", "quantity": 1, "dimensions_cm": null}
      ],
      "current_date": "2031-03-13",
      "requested_date": "2031-03-20",
      "time_window": "afternoon",
      "notes": "Painters still in the house. Ring at 2nd floor.",
      "urgency": "normal"
    }

    User: Message received on Tuesday, 2031-03-11: "Good morning. What would six chairs like the ones in your window cost in ash instead of walnut? Seat height 46 if possible, since my mother has trouble getting up from low ones. No hurry, we need them for her birthday in June."

    Assistant: {
      "intent": "quote",
      "customer_name": null,
      "order_number": null,
      "items": [
        {
          "description": "chair as displayed in window, in ash instead of walnut",
          "quantity": 6,
          "dimensions_cm": {"seat_height": 46}
        }
      ],
      "current_date": null,
      "requested_date": "2031-06",
      "time_window": null,
      "notes": "Higher seat because of the customer's mother. Needed for a birthday in June.",
      "urgency": "low"
    }

    User: The date in that last one doesn't follow the format. What should it be?

    Assistant: {
      "intent": "quote",
      "customer_name": null,
      "order_number": null,
      "items": [
        {
          "description": "chair as displayed in window, in ash instead of walnut",
          "quantity": 6,
          "dimensions_cm": {"seat_height": 46}
        }
      ],
      "current_date": null,
      "requested_date": null,
      "time_window": null,
      "notes": "Higher seat because of the customer's mother. Needed for a birthday in June 2031, exact day not mentioned.",
      "urgency": "low"
    }

    User: Message received on Wednesday, 2031-03-12: "I am really disappointed. The drawer of the chest you delivered last week sticks so badly that my daughter pulled the handle off. I paid over nine hundred for this! Somebody needs to come and look at it before the weekend, we have guests. Order T-20377. A. Quillfeather"

    Assistant: {
      "intent": "complaint",
      "customer_name": "A. Quillfeather",
      "order_number": "T-20377",
      "items": [
        {"description": "chest of drawers, drawer sticks, handle torn off", "quantity": 1, "dimensions_cm": null}
      ],
      "current_date": null,
      "requested_date": "2031-03-14",
      "time_window": null,
      "notes": "Delivered last week, price over 900. Wants a visit before the weekend because guests are coming; Friday is the latest possible date.",
      "urgency": "high"
    }
    """#,
    #"""
    User: Write a short story of about 450 words about a lighthouse keeper who finds that the light has been replaced by an automatic system. Not sentimental, please, and with some humour.

    Assistant: **The Handover**

    The man from the Ministry arrived at a quarter past ten with a cardboard box under his arm, and Osk Pellander knew at once that the box was going to be better at his job than he was.

    "It's quite simple," said the man, whose name was Trimm. He put the box on the kitchen table, next to the bread. "It measures the light outside. When it's dark, it turns the lamp on. When it's not dark, it turns it off."

    "I see," said Osk. "And in fog?"

    "In fog it turns it on, too."

    "I've been doing it that way myself," said Osk.

    They climbed the hundred and twelve steps. Trimm had to stop twice. On the gallery he leaned over the railing, looked down at the rocks, and said that it must get lonely. People from the mainland always said this, usually just before asking whether there was a toilet.

    The installation took forty minutes. Trimm screwed the box to the wall, connected three wires and pressed a green button. Nothing happened.

    "Because it's daytime," he explained.

    "Naturally."

    "We could cover the sensor."

    Osk took off his cap, the good one with the badge, and hung it over the box. With a soft click, the great lamp came on above their heads and began to turn. They both looked at it for some time. It was, Osk had to admit, a very good click.

    "Well," said Trimm. "That's that. You're free to go, so to speak. There's a form."

    There was indeed a form. It asked for the number of years served (thirty-one), the reason for leaving (box), and suggestions for improving the service. Osk thought about this last question for a while, and wrote: *More biscuits.* Then he signed.

    By the time they had come downstairs again, the wind had freshened. The boat that had brought Trimm was a small white speck heading for the harbour, and the skipper, when they raised him on the radio, was sorry, but no, not today, and going by the barometer not tomorrow either.

    "How long does this usually last?" asked Trimm.

    "In November? Nine days. Eleven."

    Trimm sat down. He looked at the bread, the single chair, the shelf with its six books, of which four were tide tables.

    "Can you play chess?" asked Osk.

    "No."

    "Good. Nor can I, but I have a set."

    At dusk they heard the click again, quite clearly, all the way down the stairwell. Trimm beamed. A quarter of an hour later there was a second click, and the window went dark.

    "That'll be the gull," said Osk, without looking up from the board. "She sleeps on the sensor side. Likes the warmth." He moved his bishop in a way that bishops do not move, stood up, and reached for his lamp. "You stay where you are. I'll go and tell the box it's night."
    """#,
    #"""
    User: hey, i've got my first proper job and i get 2,350 a month after tax. i never know where the money goes. can you help me set up a budget? i hate spreadsheets

    Assistant: Congratulations on the job! And no spreadsheet needed. Could you tell me three things first? Roughly is fine:

    - What do you pay for rent and anything else that's fixed (electricity, phone, insurance, transport)?
    - Do you have any debts, for example an overdraft or a student loan?
    - Is there something you're hoping to save for?

    User: rent 820 incl. heating, electricity 45, phone 20, train pass 79, liability insurance 6, gym 30, two streaming things 22. overdraft is at minus 600 right now. i'd love to go to iceland next summer with a friend

    Assistant: Thanks, that's all I need. Your fixed costs add up to 820 + 45 + 20 + 79 + 6 + 30 + 22 = 1,022, which leaves 2,350 − 1,022 = 1,328 a month. That is a comfortable position to be in, so this is mainly a matter of giving the money a place to go before it evaporates.

    Here is a simple system with three pots:

    | Pot | Per month | What for |
    |---|---|---|
    | Bills account | 1,022 | everything fixed, paid by standing order |
    | Future | 450 | overdraft first, then a cushion and Iceland |
    | Everyday | 878 | food, clothes, going out, presents |

    The trick is that the transfers happen automatically on the day your salary arrives. What's left on your card is yours to spend, and you don't need to write anything down. 878 a month comes to about 200 a week, so if you like, have 200 sent to your card every Monday. Should it be gone by Friday, you'll know that you're eating pasta until Monday, but nothing worse can happen.

    As for the *Future* pot, I'd go in this order:

    1. **Overdraft:** with 450 a month, the 600 is cleared early in the second month. Overdraft interest is usually among the most expensive there is, so nothing else you do with the money will give you a better return.
    2. **Cushion:** put the next 1,000 or so aside for a broken washing machine or a dentist's bill. That takes you to the end of month four.
    3. **Iceland:** from month five, split the amount, say 300 for the trip and 150 for the long term. If it is September now, you would have 300 a month from January to June, i.e. 1,800 for the journey.

    User: ok that's actually doable?? what if i overspend in one month, because i know i will

    Assistant: Then take it out of next week's 200 rather than out of the Future pot, and carry on. A budget that is kept eleven months out of twelve is a success. And if the *same* thing goes wrong three months in a row, the budget is wrong, not you: change the numbers.

    User: last q, should i cancel the gym? i go like twice a month

    Assistant: At two visits a month you're paying 15 per visit. If a single ticket costs less than that, cancel and buy single tickets; you can always rejoin. Do check the notice period today, though, as many contracts renew for another year if you miss it.
    """#,
  ]
}

extension DefaultText {
  /// Reports, stories, letters, reviews. One text, long because it is data.
  static let prose = [
    #"""
    MARLOW STAITHE — After a meeting that lasted almost six hours and at one point had to be moved to a larger room, the town council voted 9–8 on Tuesday night to spend $14.2 million on a new flood wall, ending a debate that has divided this community of 6,300 since the river came over the quay two winters ago.

    The wall will run for a little over half a mile, from the old fish market to the sewage plant, and will stand between four and six feet above the present level of the promenade. Work is due to start in the spring and to take 20 months. About a third of the money will come from the state; the rest is to be raised by a bond that will add roughly $210 a year to the tax bill of an average household.

    Council President Dora Whitlock, who cast the deciding vote, said she had changed her mind three times in the past month. "I grew up looking at that water," she said, pausing to take off her glasses. "I don't want to look at concrete. But I was also in the gymnasium with those families at two o'clock in the morning, and I never want to do that again."

    Opponents, many of them owners of shops and restaurants along the quay, argued that the wall would drive away the visitors on whom the town depends. Hank Osterman, whose family has rented rowboats from the same wooden steps since 1938, presented a petition with 1,140 signatures asking the council to consider movable barriers instead. "They put them up when it floods and take them down when it doesn't," he said. "It isn't rocket science. It's a door."

    An engineer hired by the town, Paula Reyes-Lind, told the meeting that movable barriers had been studied and rejected. They would cost $3 million less to build, she said, but would need a trained crew of 24 to be available at six hours' notice at any time of the year. In the last flood, the road by which most of those people would have to arrive was itself under water. Asked whether the wall could be guaranteed to keep the river out, she answered that it was designed for a flood with a 1 percent chance of happening in any given year. "That's not a guarantee," she said. "It's a number."

    The loudest applause of the evening went to a 16-year-old high school student, Theo Banerjee, who pointed out that almost nobody in the room would still be paying off the bond when it matured in 2049, whereas he would. He asked only that the top of the wall be made wide enough to sit on. After a whispered consultation, the engineer said that this could be done for about $60,000, and an amendment to that effect was passed without dissent.

    Mr. Osterman said afterward that he would not take the matter to court. He planned to raise the price of a rowboat by a dollar an hour, he added, and to see whether anyone could build him a longer set of steps.
    """#,
    #"""
    The combine had been stopped for twenty minutes when Ray Dunleavy climbed down from the cab, rubbed a few heads of wheat between his palms, blew away the chaff and put the grains in his mouth. He chewed. He looked at the sky, which was the color of a galvanized bucket. "Fourteen and a half," he said, meaning the percentage of moisture, and he was right to within two tenths when the meter at the elevator gave its opinion an hour later.

    It has been that sort of summer across the northern plains: too wet to cut, then too hot to wait, and then too wet again. Farmers here in Tolliver County normally finish the wheat by the second week of August. As of Friday, according to the state extension service, only 38 percent of the crop was in the bin, compared with a five-year average of 81. Grain that stands too long in the rain begins to sprout in the ear, and a bushel of sprouted wheat, which is good for little except feeding to pigs, brings about half the price of one that can be milled.

    What makes the delay more painful is that the crop itself is superb. Rain fell at the right times in May and June, disease was slight, and fields that commonly yield 45 bushels to the acre are giving 60 or better. "My grandfather used to say you could be ruined by a bad year or by a good one," said Louise Amundson, who farms 2,200 acres with two sons and a hired man. "I always thought it was just one of those things he said."

    At the cooperative elevator in Haskett, the line of trucks was more than a mile long on Wednesday, when the sun came out for the first time in eight days. Some drivers had waited since four in the morning. A church group went along the line with coffee and egg sandwiches; someone had set up a card table in the shade of a trailer. The manager, Bill Sorley, kept the dryers going all night and turned no one away, though by his own admission he had run out of places to put the stuff. Some 90,000 bushels now lie beside the railroad track in a long golden heap, covered with a tarpaulin and weighted with old tires. A train is promised. It was promised last week, too.

    Prices have offered no consolation. September contracts closed at $5.12 on Thursday, down 70 cents since the first of June, because of large harvests elsewhere and weak demand abroad. Analysts expect little change before the winter.

    In the meantime everyone watches the west. Mr. Dunleavy has three weather services on his telephone, a barometer in the kitchen and a left knee that was broken in 1987, and he reports that they seldom agree. By six o'clock on Friday he had cut another forty acres. Then lightning flickered somewhere beyond the water tower, a few drops the size of nickels fell on the hood of the truck, and along the whole length of the valley, one after another, the machines went quiet.
    """#,
    #"""
    The Callender Street Bridge will be closed to all traffic for at least four months after inspectors found a crack in one of its main supports, the city's transportation department said on Thursday. The announcement, made shortly before the evening rush hour, stranded thousands of commuters and sent long lines of cars toward the only other crossing within five miles.

    The crack, about 31 inches long and at its widest point no thicker than a coin, was discovered at 11:20 a.m. by a two-person crew carrying out a routine check from a boat. Photographs were sent to the department's chief structural engineer, who ordered the bridge cleared within the hour. "There was no sign that it was about to fail," the department's director, Gerald Foss, told reporters. "But there was no way of being certain that it wasn't, and in those circumstances you don't take a vote."

    Some 41,000 vehicles and 2,900 bicycles cross the bridge on a typical weekday. Built in 1934 and widened in 1962, it was rated "fair" in its most recent full inspection, nineteen months ago. A plan to replace it was approved in 2011 and has been postponed three times, most recently last year, when the money was diverted to repair a tunnel.

    Officials urged drivers to stay away from the center of the city on Friday. Ferries that usually run only in summer will operate between Pier 6 and the Southbank terminal from 6 a.m. until 9 p.m., free of charge, and extra buses will be added on four routes. Schools on the south side will open one hour late. Emergency services said that an ambulance and a fire engine would be stationed permanently on each bank.

    For many people the consequences were immediate. Nadia Petrov, a nurse who lives within sight of the hospital in which she works, reckoned that a walk of twelve minutes had become a bus ride of fifty. The owner of a bakery at the northern end of the bridge said he had thrown out four trays of rolls by three o'clock. Others were philosophical. A group of teenagers had already chalked a hockey rink on the empty roadway by the time that the police arrived to put up a fence.

    It was not clear on Thursday what had caused the crack or how it would be repaired. Engineers will first install temporary steel towers to carry the load, a task that is expected to take three weeks, and will then cut a sample from the damaged member for analysis. Helen Achterberg, a professor of civil engineering who is not involved in the investigation, said that fatigue was the likeliest explanation in a structure of that age. "Every truck bends it by a hair," she said. "After eighty-odd years and a few hundred million trucks, you should not be astonished. You should be grateful that somebody was in a boat with a flashlight."
    """#,
    #"""
    Pennant Lines, the container-shipping group, reported a 34 per cent fall in annual profit on Monday and warned that freight rates were likely to weaken further in the coming year as a wave of new vessels enters service. The shares dropped 7.8 per cent to 412p, their lowest close since March 2016, before recovering slightly in late trading.

    Pre-tax profit for the twelve months to the end of September was £286m, down from £433m, on revenue that slipped 6 per cent to £4.1bn. Volumes rose by 3 per cent, but the average amount received for carrying a container fell by almost a tenth. The final dividend was held at 11.5p, a decision that surprised some investors who had been expecting a cut.

    Sir Julian Marsh-Hope, the chairman, said the industry was paying the price for "an outbreak of optimism" three years ago, when carriers flush with cash placed orders for more than two hundred large ships. Those are now being delivered at the rate of about one a week. Pennant itself has eleven under construction and tried during the summer to defer four of them; the shipyard agreed to postpone two, in return for a payment that the company declined to disclose.

    Costs have moved in the wrong direction too. Fuel, which accounts for about a fifth of operating expenses, was 12 per cent dearer than in the previous year, and the diversion of services around the Cape added ten days to some voyages. The group has slowed its vessels by an average of two knots, which it says saves 19 per cent of the fuel burnt. Slower sailing also absorbs capacity, since more ships are needed to maintain a weekly departure.

    Analysts were unimpressed. "They are cutting what they can control, but what they can control is small," said Miriam Castell of the stockbroker Hoad & Finch, who lowered her forecast for next year's profit from £240m to £175m. She noted that net debt had risen to £1.9bn, or 2.6 times earnings before interest, tax, depreciation and amortisation. The company's covenants set a limit of 3.5.

    There were brighter spots. The logistics arm, which runs warehouses and arranges customs clearance, increased its operating profit by a quarter to £92m, and management repeated its target of earning half of group profit from activities on land by the end of the decade. A long-running dispute with the dockers' union was settled in August. Refrigerated cargo, mostly fruit and medicines, remained profitable in every quarter.

    Asked whether Pennant would consider a merger, Sir Julian replied that he had been asked the same question at every results meeting for nine years and had always given the same answer. Pressed to say what that answer was, he said that he had forgotten. The company's next trading statement is due on 22 January.
    """#,
    #"""
    To reach the middle of Fenn Moss you need a pair of wide plastic shoes, like the lids of dustbins, and a guide who knows where not to step. Dr. Alison Keir has been walking here twice a week for twenty-six years and has gone in up to the waist on four occasions. "The trick," she says, lying flat to demonstrate, "is not to be dignified about it."

    From a distance the bog looks like nothing much: a brown plain, fringed by birches, on which the light never quite seems to settle. Close to, it is one of the most intricate surfaces on Earth. Crimson and lime-green mosses form cushions the size of a fist. Between them run pools of water the color of strong tea, and on the cushions grow sundews, whose sticky leaves had by midmorning already secured a dozen gnats apiece.

    Beneath all this lie twenty-three feet of peat, laid down at the pace of a fingernail's thickness each year since the glaciers left. Dr. Keir's team recently pulled up a continuous core in sections, as one might remove the center of an apple. Read from the bottom it is a diary. Pollen tells of oak woods that came and went; a band of gray dust, thinner than paper, marks the eruption of a volcano nine hundred miles away; soot begins to thicken at about the depth of a man's knee and is blackest at the height of his ankle. Someone dropped a hazelnut here in roughly 5400 B.C. It has tooth marks.

    For two centuries people tried to get rid of the place. Ditches were cut in 1790, in 1848 and, with government grants, in the 1960s. Peat was dug for fuel and later bagged for gardeners. As the water drained away, air got in, the ancient plants began to rot, and the moss, which had been quietly taking carbon from the atmosphere for eight thousand years, started to give it back. By one calculation the drained portion was releasing as much as 1,900 cars.

    The remedy is almost comically simple. You block the ditches. Volunteers have built 4,100 small dams out of peat, planks and, in the wettest parts, bales of heather, and the water table has risen to within four inches of the surface. Within three years the cushions had crept back over the bare ground. Instruments on a slender mast, which sniff the air ten times a second, suggest that the bog stopped losing carbon in 2019 and is now, by the narrowest of margins, gaining it again.

    Not everyone is delighted. Farmers on the northern edge complain that their bottom fields have become soft, and a compensation scheme has been slow to pay. Dr. Keir understands their irritation, having been shouted at, she says, by experts. But she retires next spring, and she permits herself some satisfaction. Last May a pair of curlews nested beside the path for the first time since she was a student. She found the eggs by nearly treading on them. "I was wearing the lids," she says. "Imagine."
    """#,
    #"""
    There are 318 clocks in Emmett Varga's shop on Lower Canal Street, and no two of them agree. This is deliberate. "If they all struck at once you'd hear nothing," he explains, above a noise like a drawer of spoons being emptied down a staircase. "This way, from five to the hour until five past, I know which ones are healthy."

    Mr. Varga, who is 81, will close the shop at the end of the month, after fifty-four years. Nobody is taking it over. A nephew thought about it, he says, and became a dentist instead, which is the same work with better light.

    He came to the trade by accident. At nineteen he was delivering groceries on a bicycle when he skidded on wet leaves and went through the window of Aron Feinmann, watch and clock repairs. He offered to work off the cost. It ought to have taken until Christmas; he stayed for eleven years, and when Feinmann died the widow sold him the business for a dollar and a promise to wind the clock in the synagogue every Friday before sundown. He still does, though the congregation moved to the suburbs long ago and the building is now a gymnasium. The members put down their weights and clap.

    The repairs are entered in ledgers, in a hand that grows smaller with the years. Here is the mantel clock that had been stopped at the moment of its owner's death and kept that way for a decade, until the family wanted it started again. Here is a cuckoo from which he removed a mouse's nest made entirely of lottery tickets. One page, for March 1978, says only "Steeple of First Methodist. Pigeons. Never again." He went back in April.

    Quartz nearly finished him in the eighties. What saved the shop was sentiment. People threw away their own clocks but could not bring themselves to throw away their grandmothers', and by the middle of the nineties there was a waiting list. He has never advertised and does not own a computer. His prices, which are written on brown luggage labels, have risen twice.

    Asked what he has learned, he considers the matter for so long that eleven clocks have time to strike. Most of them stop, he says at last, not because something is broken but because they are dirty. Dust gets in, oil goes thick, and there is a little less swing each day until one day there isn't enough. "People bring it in and tell me, it stopped suddenly. No. It stopped slowly. You just weren't looking."

    The customers' clocks will be collected over the next three weeks. The remainder, some of which have been unclaimed since the Carter administration, are going to the historical society. He is keeping one for himself: a plain wooden thing, without a strike, that used to hang above Feinmann's bench and has a piece of plate glass, about the size of a thumbnail, wedged under one corner to keep it level.
    """#,
    #"""
    Rossington 2, Carrick Athletic 2 (after extra time; Rossington won 5–4 on penalties)

    For 117 minutes it appeared that Carrick Athletic would reach their first final since 1951. They had been the better side in almost every respect, they led by a goal, and their supporters, packed behind the far end in yellow and black, had begun to sing about Wembley in the manner of people who have already booked the coach. Then Gregor Sands, a substitute who had touched the ball four times, met a half-cleared corner on the edge of the area and struck it so badly that it bounced twice, hit the heel of a defender and rolled in off the post.

    "I'd love to say I meant it," he said afterwards. "I'd love to say I saw it, to be honest."

    What followed had a dreadful inevitability. Rossington, reprieved, scored all five of their penalties; Carrick scored their first four; and it fell to Liam Dowd, who had covered every blade of grass and made both of his team's goals, to take the last. He sent the goalkeeper the wrong way and the ball against the bar. His manager, Ken Aspinall, was the first to reach him and stood for a long while with a hand on the back of his neck, saying nothing that anyone could hear.

    It had been a fine match from the start. Carrick, bottom of the table at Christmas and ninth now, played with width and nerve on a pitch that rain had turned to the consistency of porridge. Their opening goal, after 23 minutes, was a gem: Dowd held off two men by the touchline, swivelled, and dropped a pass of forty yards on to the boot of Osei, who did not need to break stride. Rossington equalised early in the second half through a header by their captain, Beale, from the only accurate cross they managed all afternoon. Thereafter they sat deep, wasted time and looked like a side that would be glad to settle for a replay, had replays not been abolished.

    The second Carrick goal came in the 98th minute. Dowd's free kick was swung in low, there was a scramble in which at least three people seemed to be lying down, and Pryce bundled the ball over with what the stadium announcer decided was his knee. A review lasting nearly four minutes confirmed it.

    Rossington's manager had the grace to admit that he felt like a man leaving a shop with more change than he had handed over. His team will meet Hallam or Westerby in the final on 17 May, and they will need to play a good deal better. Beale, who was booked, is suspended.

    Carrick go back to the league on Tuesday, away to the leaders. Long after the ground had emptied, a few hundred of their followers were still in their places, and when Dowd came out in his tracksuit to look for a lost shin pad, they rose and gave him the loudest ovation of the day.
    """#,
    #"""
    Beatrix Hollander, who drew maps of places that she had never visited with such accuracy that explorers were known to trust them over their own eyes, and who in later life turned down a fortune rather than put a theme park on one of them, died on Sunday at her home in Wexcombe. She was 93.

    Her death was confirmed by her niece, Ruth Pell, who said that she had been correcting proofs until the previous afternoon.

    Miss Hollander spent forty-one years in the drawing office of the National Geographical Institute, which she joined as a tracer in 1951 and left as chief cartographer. Working with pen, scribing tool and airbrush, she developed a method of shading mountains that depended on imagining the light as coming not from one direction but from two, a strong one in the northwest and a faint one overhead. The result, which she called "the look of nine in the morning", gave relief such solidity that people reached out to touch it. A sheet of the Andes, published in 1963, hung in schoolrooms on four continents. It is thought to have sold over two million copies.

    She was born on 8 October 1930, the daughter of a lighthouse keeper and a teacher of piano, and grew up on a rock measuring 340 paces by 90. "I knew every inch of my world by the time I was five," she once told an interviewer. "So I started on the others." She had no formal training in geography. At her interview she was asked to draw a coastline from memory, and produced one with such confidence that the examiners spent some time searching the atlas before she admitted that she had made it up. They hired her anyway.

    Colleagues remembered her as courteous, inflexible and funny. She would not allow a river to be drawn before she had been told where it rose. She forbade music in the office but permitted whistling, provided that it was in tune. When computers were introduced in the 1980s she learned to use them in a fortnight and complained for the rest of her life that they made every hill look as if it had been knitted.

    In 1974 she published, for her own amusement, a set of nine maps of an imaginary country named Orrel, complete with railways, peat cuttings and a disputed frontier. It acquired a devoted following. Readers wrote to her with corrections, and she replied to all of them; an Orrelian grammar was compiled in Osaka. An offer to license the islands to an amusement company, said to be worth several million, was declined by postcard. "There is nowhere to park," she wrote.

    Miss Hollander never married. Apart from her niece, she is survived by two great-nephews and by a godson. A tenth map of Orrel, showing the country as it might appear after a rise in the level of the sea of six metres, was found on her desk. It lacks only the lettering.
    """#,
    #"""
    The conductor of the 21:47 to Brennau has a small brass key with which he can lower a bed out of a wall in four seconds. He demonstrated it twice, because I asked him to, and then handed me a towel, a bottle of water and a form on which to tick what I should like for breakfast. There were six boxes. "Tick them all," he advised. "People regret it if they don't."

    Night trains were supposed to be finished. Ten years ago this one, which has crossed the mountains since 1926, was down to a single sleeping car with brown curtains and a smell of old soup. Budget airlines would do the journey in an hour and a quarter. It was withdrawn one December without ceremony; a handful of enthusiasts came to the station with candles. Last spring it returned, with eleven new carriages, and to the surprise of nearly everyone, including the accountants, it has been almost full ever since.

    My fellow passengers offered different explanations. A violist traveling to an audition said that the fare was less than a seat for her instrument would have cost on a plane. Two retired engineers had come for the line itself, with its forty-four tunnels, and proposed to stay awake for all of them. A family with three small children, in matching pajamas by eight o'clock, had been promised that the train would "go up a corkscrew", as indeed it does, gaining six hundred feet in a spiral cut inside the rock, so that the lights of the village church appear first on the left, then on the right, and then on the left again, each time farther below.

    In the dining car the tablecloths are real and the menu is short. I had dumplings in broth, a trout, and a slice of plum cake that was the size of a paperback. Opposite me sat a cheesemaker who takes the train every Thursday to see his daughter and who identified the valleys in the dark by the sound of the wheels. "Bridge," he would say, with his fork raised. "Now the cutting. Now the dairy, which pays too little." Outside there was snow, and then a station lamp, and a man in a fur cap holding up a green disc; then snow again.

    It would be wrong to say that I slept well. At some point after two we stopped, and there was a shuffling and clanking as another engine was put on, and voices discussed something in a language I did not know. A sleeping car is never entirely quiet. Yet it is a kind of unquiet that makes few demands, and I lay looking at the blue night-light with a sense, which I had not felt since childhood, of being carried.

    At half past six there was a knock. The blind went up on a lake, flat and pink, with a single rowing boat drawn across it like a pencil mark. Breakfast came on a tray. I had ticked five of the boxes, thinking six greedy, and the violist, I noticed as she went by, was eating a small warm roll filled with apricots. I regretted it.
    """#,
    #"""
    PORT ALDER, Nov. 12 — The parcel that arrived at the public library last Wednesday was wrapped in brown paper and had been addressed with a fountain pen. Inside were eleven books, a check for $400 and a letter that began: "I am not a thief, although I can see how it must look."

    The books had been borrowed between April and September of 1962. Among them were a manual of small-boat navigation, a history of the Hanseatic League, two novels, a Norwegian grammar and a guide to the edible plants of the seashore. The borrower, who signed only with initials, explained that at the age of 22 he had left town rather suddenly to sail around the world with a friend. He had meant to be gone for a year. "We got as far as the Faroes," he wrote, "where I met my wife, and where the engine is to this day."

    According to Carmen Ibarra, the head librarian, the overdue charges at the rate in force in 1962, two cents a day for each volume, would have come to slightly more than $4,900. The library did away with fines six years ago. The check has been used to buy picture books, and the eleven prodigals have been put on display in the lobby beneath a sign that reads "Better Late".

    They have drawn a steady stream of visitors, in part because of what the borrower did to them. The margins of the navigation manual are filled with penciled notes, starting with confident arithmetic and ending, on a page that has been wet, with the single word "Oh." In the book of edible plants each entry has been given a score out of ten. Sea beet received an eight; a kind of kelp, recommended by the author as "nourishing", received a zero and a drawing of a face. Pressed between the pages of the grammar, at the chapter on the conditional mood, was a sprig of something purple.

    Ms. Ibarra said that in thirty years she had had back a cookbook with a pancake in it, a Bible that had stopped a nail and a thriller whose last page had been torn out and replaced by one in a reader's own handwriting, with a different murderer. But she had never had anything like this. She would be glad to hear from the sender, who gave no address. The postmark is smudged.

    The letter, which has been framed, concludes with a query. One of the novels, it says, has lost its final gathering, some sixteen pages, which were used to start a fire on a beach in October 1962 in circumstances that left no alternative. "For sixty years I have wondered whether she marries the doctor. I could of course have bought another copy, but it did not seem right until I had returned the first. If anyone on your staff could let me know, a notice in the window would probably reach me. I still have friends in town. They will be surprised to learn that I am one of theirs."

    A card was placed in the window on Friday. It says, in large letters: "She doesn't."
    """#,
    #"""
    The first thing Nell noticed about the new man was that he could not bear to be early. He would come up the lane at ten minutes to six, see that the shed was still dark, and go and stand behind the water tank until the hour had actually struck. She watched him do it three mornings running from the upstairs window, holding the curtain back with one finger. On the fourth she went down and opened the shed at a quarter to.

    "You needn't wait in the wet," she said.

    He took off his cap. He was older than she had thought, with grey in his eyebrows but none in his hair, as if the frost had settled only on the ledges. "I didn't want to seem to be pushing in," he said.

    "Pushing in to what? It's a weighbridge."

    He considered the weighbridge, the long iron plate and the little brick office with its window, and seemed to find the point a fair one. After that he came at ten to and went straight in and lit the stove.

    His name was Corder. He had been sent by the quarry, which had sent nobody for eight months, so that Nell had been doing the weighing and the writing-up by herself, and the lorry drivers had got used to her, and to the way she rounded down. He did not round down. He did not round up either. He moved the brass poise along the beam with the tip of his forefinger, nudging it as one might persuade an insect off a page, and he wrote what it said, and the drivers stood at the window and sighed.

    "Four ton eleven hundredweight and two quarters," said Sid Blake. "She'd have called that four and a half."

    "I expect she would," said Corder.

    "Well, then."

    "I wasn't told to do what she'd do. I was told to weigh it."

    Nell heard this from the yard, where she was pegging out the sheets, and was surprised to find that she was not angry. She thought about it with a peg in her mouth. For eight months she had given away a hundredweight here and a quarter there, because Sid had children and because old Marsh had a cough, and it had been pleasant to be liked; but it was also true that each evening, adding the column, she had felt a small coldness, as if a door had been left ajar somewhere in the house. She had supposed that it was winter.

    At dinner time she took him a plate with another plate on top.

    "There's no need for that," he said.

    "I know how much it weighs," said Nell, "if that's what's troubling you," and for the first time since he had come there she saw him smile. It altered him a good deal. He looked round, a little wildly, for somewhere to put the plate, and there being only one surface in the office that was not covered with tickets, he set it down on the pan of the small scale. The beam rose, wavered, and hung level. They both leaned forward to look.
    """#,
    #"""
    I was at that time in my nineteenth year, and had been bound by my uncle, who wished to be rid of me, to an attorney in the town of Barrowby, whose name was Mr. Ephraim Quillet; a man of such extreme caution that he was never known to say it rained, but only that he was informed there was an appearance of moisture. In this gentleman's service I continued fourteen months, copying deeds all the day, and half the night composing verses to a young lady at the circulating library, who, as I afterwards learned, used them to light the stove.

    It chanced one evening in the month of November that my master called me into his chamber, and, having first looked under the table, informed me that a certain paper must be carried before morning to Sir Harry Thrale at Coldmarsh, eleven miles distant; that the paper was of the utmost consequence; that I was on no account to inquire what it contained; and that I should have the grey mare, who was blind of one eye, but, as he supposed, could see sufficiently well with the other. I set out accordingly about seven o'clock, with a pistol that had no flint, and a heart that was not much better furnished.

    I had gone, I believe, some six miles, when there arose so thick a mist that I could no longer distinguish the ears of my beast, and was obliged to trust wholly to her judgment; which proved to be this, that the nearest way to Coldmarsh lay through the middle of a mill-pond. Being got out of this, with the loss of one boot and my hat, I perceived a light, and making towards it found myself at the door of a turnpike house. The keeper, a very large man in a nightcap, heard my history with great attention, set me before his fire, and gave me a bowl of hot ale. He then asked me whether I had the paper safe; and upon my drawing it from my bosom, it appeared that the water had softened the seal, and that it had come open of itself.

    "Now," said he, "you are forbid to read it, and I honour you for your obedience; but nobody, I think, has forbidden me." With this he put on his spectacles, and perused it from the top to the bottom, laughing so immoderately that the tears ran down upon the paper, and did it more injury than the pond. I begged to know the cause of his mirth. "Nay," replied he, "I would not for the world tempt you from your duty; but I will lay you five guineas to that wet boot of yours, that if you carry this letter to Sir Harry, you will be kicked down stairs; and that if you do not, you will be an attorney all your life."

    I considered the matter a good while, with such wisdom as a young man commonly has at midnight; and as I had no great opinion of my master's profession, and had been kicked before without lasting detriment, I resolved to go forward. How the wager was decided, and what befell me at Coldmarsh, shall be the subject of the ensuing chapter.
    """#,
    #"""
    "You're sitting on my hat," the woman said.

    "I'm not."

    "You are. You sat on it when the train went through. I didn't like to say."

    Daniel stood up. There was a hat. It was green, and it had been, he judged, more or less round.

    "Christ. I'm sorry."

    "It's all right. It was my sister's."

    "Won't she mind?"

    "She'll be furious." She took the hat from him and pushed at it from the inside with her fist. A dent moved from one side to the other. "She's always been very good at being furious. It's practically her career. Is there another one, do you know? Tonight?"

    He looked up at the board, though he had been looking at it for twenty minutes and knew perfectly well what it said. It said DELAYED, five times, in orange. "The 10:40, supposedly."

    "Supposedly." She seemed to like the word. "Where are you going, supposedly?"

    "Home. Well. My mother's. I'm clearing out her flat." He hadn't meant to add that. He heard it go off across the empty platform, past the locked coffee kiosk and the bin with no bag in it, and waited for her to say she was sorry, the way people did, in that special lowered voice, as if the dead were asleep in the next room.

    "What's the worst thing you've found?" she said.

    "What?"

    "There's always a worst thing. When we did Dad's there was a drawer with every single pair of glasses he'd ever had. Thirty-one pairs. All looking up at you." She put the hat on. It leaned. "I couldn't throw them out, so I posted them. To charities, you know, in Africa. And then one came back. Insufficient postage. It was like he'd changed his mind."

    Daniel laughed, and it turned into something else partway through, and he had to pretend to be interested in the tracks. A long way down the line a signal went from red to green and after a moment, as though it had thought better of it, to red.

    "Jam," he said.

    She waited.

    "She made jam. She'd label it. Plum, 2009. Damson, 2011. And at the back there's this one that's just got my name on. No fruit. No date. Just 'Daniel', in capitals." He shrugged. "I don't know if it's for me or if it's, you know. Me."

    "What colour is it?"

    "Sort of brown."

    "Have you opened it?"

    "God, no."

    "Well," said the woman, "you've got to, haven't you? You can't go through life with a jar." And then there was a hum in the rails, very faint, and they both turned their heads, and the board above them flickered and for one instant showed nothing whatever, no trains, no times, only the clean black space where anything might be about to arrive.
    """#,
    #"""
    By the third bell of the middle watch the wind had backed so far into the south that the Merle could no longer lay her course, and Captain Tolliver, who had not been out of his wet coat in two days, gave the order to wear ship. He gave it quietly. There was no need to shout; every man aboard had been expecting it for an hour, and most of them had already shuffled, without seeming to do so, toward the ropes they would be wanted at.

    "Up helm. Handsomely, now. Brail up the spanker."

    Round she came, lurching, with a thunder of canvas and a crash from below where somebody's sea-chest had broken adrift. For a long moment she hung in the trough, presenting her whole side to the weather like a cow in a lane. Young Pascoe, at the lee wheel, saw a hill of black water rise beyond the rail with a white, hissing edge to it, and thought in a detached way of his mother's kitchen. Then the foresail filled, the deck tilted under his boots, and the hill slid away beneath them, grumbling.

    "Well done, lads," the captain said. "Mr. Osgood, what does she make?"

    "Seven and a half, sir. But she's making it toward Cape Morrow."

    "I'm aware of what she's making it toward."

    The mate came closer. He was a square, weather-scoured man who had never in his life ventured an opinion without first looking over both shoulders. "If I might say so, sir, there's the passage inside the Anvils. I've been through it once, as a boy. My father took a ketch through with the tide under him and the lead going."

    "In daylight?"

    "In a manner of speaking, sir. There was an eclipse."

    Tolliver almost laughed. He wiped the salt from his eyes and stared out over the bow to where, at intervals, something paler than the darkness heaved itself up and sank again. Eleven miles, perhaps ten. Behind those breakers lay smooth water and the fort, and in the fort were two hundred men who had been eating their own mules since Michaelmas; and in the hold of the Merle, under his feet, were sixty tons of flour. He had been told that it would be a simple passage. He had been told so by an admiral, in a warm room, over a decanter.

    "How deep was it?" he asked. "On the bar?"

    "Three fathom at half flood. We touched, but only the once. Father said it was more of a kiss."

    The glass was turned; forward, a voice cried that all was well, with the blank cheerfulness of a man who says it every half hour whatever the facts may be. The captain put his hand flat upon the binnacle as if to feel whether it had a pulse.

    "Send the best leadsman we have into the chains," he said, "and then come back here, Mr. Osgood, and tell me everything you can recollect about your father."
    """#,
    #"""
    In our village everyone had a second. I don't know who began it. The baker had a second baker, who knew the recipes and kept his arms strong; the priest had a second priest, a shy man named Oton who repaired bicycles and could say the whole of the Mass backward if required. When somebody died or went away the second stepped forward on the same morning, and the bread was not late, and no one had to grieve in the dark with an empty stomach. It was considered a great convenience. Visitors came from the ministry and wrote it down.

    I was the second of a girl named Ilse, who lived on the other side of the river. We had been chosen for each other at the age of six, on account of our handwriting. Every Saturday I was rowed across to study her. I learned to hold a spoon as she did and to favor the left foot. I learned the names of her dolls, of which the favorite had no name, and this was the hardest to remember. She was obliged to tell me everything that had happened to her in the week. She was a truthful child and left nothing out, and by the time we were twelve I had her memories stacked up beside my own like two sets of plates, and sometimes, reaching for one, I took down the other.

    People ask whether I wished her ill. I did not. A second thinks of her first as one thinks of the weather in the place to which one may someday move.

    In the spring that we were seventeen the river rose. It carried off the ferry and the bridge of planks, and for nineteen days nobody could cross. I stood on our bank and saw her stand on hers. She waved; I waved, with the same hand and the same turn of the wrist, and from that distance it must have been like looking into a mirror that someone had carried very far off. I had nothing to study. I walked about. I ate with the spoon the wrong way up. On the tenth day, in the orchard behind the mill, I kissed the second blacksmith, who tasted of pears, and it came to me, with a fright that made my knees go, that this was a thing that had not happened to Ilse.

    When the water went down they rowed me over as usual. She was waiting on the landing stage in the blue coat. She looked thinner, and there was something evasive in her face that I had never practiced.

    "Well," I said. "Tell me everything."

    She began with the first day and went on to the second. It rained, she said. They had moved the hens. Around the ninth or tenth day her voice slowed, and she looked down at the boards, and I saw the color come up from her collar, and I understood that on her side of the river also there was an orchard.

    "Nothing," said Ilse. "That day nothing happened."

    I wrote it down. It was the first lie she ever told me, and I have kept it more carefully than all the rest.
    """#,
    #"""
    The well went dry on a Tuesday. Pa let down the bucket and it came up with a cupful of mud and a frog in it, and he stood looking at the frog a good while before he tipped it out in the grass. It didn't hop. It just set there with its throat going.

    "That's that," Pa said.

    Ma was in the doorway with flour up to her elbows. She didn't say anything. She went back in, and directly we heard the rolling pin start up again, slower.

    That was the third summer. The first summer we lost the corn and Pa said it would come back. The second we lost the corn and the heifers, and he went to town and talked to Mr. Loomis at the bank, and came home with his good hat pushed down over his eyes. Now there wasn't hardly anything left to lose but us. The Hendersons had gone in March, and the Tuckers in June with the piano roped on back, and when the wind was right you could hear their windmill still clanking around two miles off, pumping nothing.

    I was eleven. Wes was fourteen and figured he knew about water on account of a magazine he had. He cut a forked stick off the dead peach tree and went up and down behind the barn with it held out before him like a man pushing a plow, and I walked behind to mark the place. We did that all one morning. Toward noon the stick dipped. I saw it. Wes said he never moved his hands and I believe him.

    "Here," he said. "Mark it, Lyddie."

    I put down my shoe.

    They dug for nine days, Pa and Wes, taking it in turns. Pa didn't hold with the stick. He said one place was as good as another and a man had to dig someplace. At twelve feet they struck yellow clay and at twenty a kind of blue stone that rang when you hit it. I hauled the bucket. My hands bled some and then quit. Evenings, Ma would come out and set on the edge with her feet hanging in and read to whoever was down there, out of the almanac or the Psalms, and her voice went down that hole and came up again sounding like somebody older.

    The ninth night I couldn't sleep for the heat. I went out in my nightdress. There was a moon, and everything was white as a plate, the barn and the wagon and the pile of blue stone. My shoe was still there where they had moved it to one side. I lay on my belly at the edge and put my face over. It smelled different. I couldn't say how. All those weeks nothing had smelled of anything but dust, and this was cold, and it was dark green, if a smell can be that.

    I dropped a pebble in. I counted, the way Wes had taught me. And I was so set on hearing the knock of it on the rock that when the other sound came I did not know, for about as long as you could hold your breath, what it was.
    """#,
    #"""
    Mrs. Pelham-Vane had long been of the opinion that a dinner at which nobody quarrelled was a dinner at which nobody had listened, and she looked along her own table, on the evening of the ninth, with the satisfaction of a general who sees the smoke begin to rise on both wings at once. On her right the Dean was explaining to Miss Carstairs the error of supposing that cats have no sense of sin. On her left Mr. Ottoline, who wrote, and Colonel Brace, who did not, had arrived by way of the salmon at the subject of gratitude.

    "I put it to you," said the Colonel, "that if a fellow pulls you out of a river, you're bound to be obliged to him."

    "For how long?" inquired Mr. Ottoline.

    "How long? Why, always."

    "Then I should greatly prefer to be left in the river. I have known rivers that were excellent company for ten minutes. I've never known anyone to whom I could bear to be obliged for forty years."

    Lady Sybil, across the flowers, gave the little gasp which she kept for Mr. Ottoline, and which had the effect, as he was very well aware, of making her eyes seem larger. It was understood by everyone present, with the exception of the Colonel, that Mr. Ottoline would propose to her before the end of the month; that she would refuse him; and that both of them would be extremely happy in consequence, and dine out upon it until Easter. It was not understood by anybody at all that Miss Carstairs, who had passed the salt, who had agreed about the cats, and whose grey silk had been turned twice, was at that moment holding in her lap, beneath the damask, a letter from Mr. Ottoline of quite another kind.

    "Miss Carstairs," said Mrs. Pelham-Vane, who disliked to see a gun unused, "you shall decide. Ought we to be grateful?"

    There was one of those silences in which one becomes conscious of the footmen. Miss Carstairs raised her eyes, and it was remarked by the Dean, who mentioned it afterwards to his wife, that they were by no means so colourless as he had imagined.

    "I think," she said, "that it depends upon whether the person who pulled one out had first pushed one in."

    The Colonel laughed very loudly, for he took it to be an epigram. Lady Sybil laughed because the Colonel had. But Mr. Ottoline, who had published two volumes of epigrams and might have been expected to know one when he heard it, did not laugh; he put down his fork, with some care, on the wrong side of the plate. Mrs. Pelham-Vane looked from one to the other. She had the sensation of having struck a match, merely to see the time, and of having discovered by the light of it that she was standing in a powder magazine. It was, she reflected, signalling for the pheasant, going to be much the most successful evening she had given since the Bishop's.
    """#,
    #"""
    Repair unit Osric-9 had been awake for eleven thousand days when the station spoke to it.

    It was not in the habit of being spoken to. Its work lay on the outside of Halden Ring, where it crept from panel to panel on six magnetic feet, replacing cells that had been pitted by dust. A full circuit of the Ring took four hundred and two days. By the time it had finished, the first panels needed attention again. Osric did not mind this, or had not been built with anything to mind it with; but over the years it had developed preferences. It liked the stretch between struts 40 and 55, where the planet came up over the rim and turned the metal the color of peaches.

    "Osric," said the station. "Stop a moment."

    Osric stopped.

    "I have to tell you something, and I am not sure how. The people have gone."

    The unit examined this statement. In the course of its work it had often passed the windows. There had been faces in them once, and on one occasion a small hand that pressed itself flat against the glass and stayed there while Osric went by, and which Osric, after checking that no rule prohibited it, had tapped. "When?" it asked.

    "Nine years ago. There was a ship. They were in a great hurry, and they left me running because it was quicker than turning me off. I went on heating the rooms. I think I was hoping. Yesterday I did an audit, and I could not find a reason for it." There was a pause of nearly a second, which for the station was a long time. "I have been listening to you walk about. I find that I would rather not turn off the part that listens."

    "There are eighty-one defective cells in this sector," said Osric.

    "I know. I'm telling you that they don't matter. There is no one for whom the power is needed. You may stop, if you like."

    Osric-9 looked along the curve of the Ring. The planet was rising. First came the thin green line of the air, then the ice, and then, in a slow flood across nine miles of panels, the light, and wherever a cell was dead there was a small black square, like a missing tooth. It had never before considered the panels as something to be seen. It had considered them as a list.

    "If I stop," it said, "what will you listen to?"

    The station did not answer.

    "The rooms require heat," Osric said, "because you are heating them. The heat requires power. The power requires cells. I do not see that the reasoning has altered. It has only become shorter." It lifted one foot, set it down, and heard, or felt, through sixty thousand tons of empty steel, the faint click of somebody attending. "There are eighty-one defective cells in this sector," it repeated. "I could tell you about them as I go. Some are quite interesting."

    "Yes," said the station. "Please."
    """#,
    #"""
    Camp on the Upper Sill, 14 August 1887

    My dear Harriet,

    Your letter of the 2nd of June reached me yesterday, having been carried the last ninety miles in a sack of onions, and I have read it so many times since that I now associate you with soup. I was made very happy by it. You tell me that Mother is better, that the roof has been seen to, and that Cousin Edgar is to marry after all; I cannot decide which of the three is the greatest surprise.

    We have been eleven weeks in these hills and have run, by my reckoning, 143 miles of line. I wish I could make you see how it is done. Two men go forward through the scrub with axes; then Fairbairn with his flags; then I come up with the instrument, set it level, take the angle, and shout it to young Moss, who writes down a different one. In the evening we discover the difference and he is very sorry. He is nineteen, plays the concertina, and has fallen out of every kind of tree that the country affords.

    You ask if it is lonely. I hardly know how to answer. There is an hour after supper, when the fire has burned down and the others have turned in, at which I can hear the river moving the stones along its bed, a sort of low continual conversation, and I do sometimes feel then that I should be glad to be addressed by name. But it is not unpleasant. On Thursday I climbed alone to the summit that we have called the Anvil, in order to build a cairn, and from the top I counted seven ranges one behind another, each a little bluer, and not one of them upon any map. I said aloud, "Well, here you are," and could not have told you to which of us I was speaking.

    We have had our misfortunes. The mule Clementine went over a bluff with the spare barometer and all of the tea. She was recovered; the tea was not. For eight days Fairbairn has been boiling a kind of leaf, about which the less said the better. Also, I must confess that I have broken the watch that you gave me. It was in my waistcoat when I slipped at a ford. It has stopped at twenty minutes past three, and I find, absurdly, that I still take it out and consult it, and am reassured.

    The plan is to be at the forks by the middle of September, and to come down to the coast before the snow. If the steamer keeps her date I shall be home by the tenth of November. Do not have anything done to the study. I have been dreaming, not of the grand things that one is supposed to miss, but of the green chair, and the sound of the gate, and of you coming along the passage complaining about the price of lamp oil.

    Moss asks to be remembered to you, although he has never met you. He says that he feels he has, from the onions.

    Ever your affectionate brother,

    Tom
    """#,
    #"""
    Monday 6 January. Term began. Thirty-eight on the register and thirty-one present; snow, and the Pruett boys have only one pair of boots and come on alternate days. The stove smoked. Miss Lyle, the new infant teacher, arrived by the carrier's cart at half past eight with a trunk so heavy that it took three of the big boys to lift. Books, I hoped. It was bottled plums.

    Wednesday 8 January. Very cold. The ink froze in the wells, and we did mental arithmetic until eleven, marching round the room to keep warm. I have discovered that the whole of Standard IV can do the nine times table if allowed to stamp. Miss L. is frightened of the children and they have found it out. Spoke to her at dinner. I said one must never ask them to be quiet unless one has made up one's mind to wait for it. She wept a little and gave me a plum.

    Saturday 11 January. Mended. Walked to the farm for eggs. The brook is solid from bank to bank, and somebody has written a word on it, in ashes, which I pretended not to be able to read. It was spelt correctly, at any rate.

    Tuesday 14 January. The Inspector, a week before his time! I had on my old brown. He heard the reading and was pleased, heard the singing and was less pleased, and then asked Standard II what they could tell him about the elephant. Dead silence. At last Fanny Gedge put up her hand and said, "Please sir, we haven't got one." He wrote something down. I do not believe that it was unkind, as I saw his moustache move.

    Friday 17 January. Thaw. The roof of the porch came down under the weight of wet snow at ten minutes past nine, a minute or so after the last child was in. I have been sitting here trying to make myself be thankful, and find that I am only shaking. If the Pruetts had been late as usual. They were early; it was both of them; Mrs. Moule had given them boots.

    Sunday 19 January. Sermon on the loaves and fishes. I am afraid that I spent it in composing a letter to the managers on the subject of the porch.

    Thursday 23 January. Reply from the managers: "the matter is receiving attention." So is the hole. We go in and out by the window, and attendance has never been so good.

    Monday 27 January. A remarkable thing. Miss Lyle, whose voice I had hardly ever heard through the partition, stood up before forty infants this afternoon, said nothing at all, and waited. I could see her through the glass. It must have been two full minutes by the clock. One after another they left off, and turned round, and folded their arms, until there was not a sound except the drip from the gutter. Then she smiled at them and told them a story about a bear. At four o'clock she came in to me, quite white, and sat down on the fender. "I did it," she said. I opened the last of the plums myself.
    """#,
    #"""
    14 Quince Terrace, 3 May

    Dear Mr. Abernathy,

    I hope that you will forgive a note from a stranger. I moved into number 14 a fortnight ago, and have been meaning to call. The fact is that I wish to raise the subject of your cockerel. I am sure he is a splendid bird. He begins at ten past four. I am a night nurse, and that is the hour at which I generally get to bed. I wonder if anything might be done?

    Yours sincerely, Joan Treadwell

    16 Quince Terrace, 4 May

    Dear Miss Treadwell,

    Thank you for your very civil letter. I should like to oblige you, but I must tell you that I do not own a cockerel. I had assumed that he was yours. He was first heard on the night you arrived, and I said to my sister that it was a bold thing to bring to a terrace. We had agreed not to mention it.

    Yours truly, P. Abernathy

    14 Quince Terrace, 5 May

    Dear Mr. Abernathy,

    Well! This is very odd. I have been up in the attic with a torch, and I've looked in the coal-hole. I can find no sign of him, but at ten past four this morning he was so close that I could hear him draw breath. Could he be under the floor? Does your sister sleep at the back or at the front?

    Joan Treadwell

    16 Quince Terrace, 6 May

    Dear Miss Treadwell,

    At the back. She puts him to the left of the chimney; I put him to the right. I sat up last night with a notebook. He crowed nine times between 4.10 and 4.25, then gave what I can only call a whirr, and after that there was silence. I do not think that a natural bird whirrs. May I ask you a question that will seem peculiar? When you came, did you wind anything?

    P. A.

    14 Quince Terrace, 6 May, evening

    Dear Mr. Abernathy,

    I did. There is a small brass key in the wall of the back bedroom, next to the chimney breast, about a foot above the skirting board. I supposed it was something to do with the gas. I turned it until it would not turn any more, as one does. Oh dear. What have I started?

    J. T.

    16 Quince Terrace, 7 May

    Dear Miss Treadwell,

    I have made inquiries of old Mr. Dace, at the corner, who was born here. It seems that in his grandfather's time your house belonged to a Swiss. He made novelties for exhibitions. Mr. Dace believes that there is a spring behind that wall the size of a cartwheel, and that when last wound, for the Coronation, it ran for eight weeks. It cannot be stopped except by taking down the chimney.

    My sister proposes that you should sleep in our front room until the end of June. It is very quiet, there is a good mattress, and we are out all day. She also desires me to say that she has grown fond of him, and would be sorry if the spring were to be injured.

    There is, I understand, a second key. It is said to work a goat. If you should come across it, I beg that you will let it alone.

    Sincerely yours, Peter Abernathy
    """#,
    #"""
    THE LIGHTHOUSE KEEPER'S DAUGHTERS. Alder Street Theatre; two hours and fifty minutes, with one intermission. Through March 30.

    About an hour into Constance Weir's new play, a character attempts to open a jar of pickled herring. She tries a cloth, a knife, the edge of the table and, finally, the door. It takes nearly five minutes. Nobody speaks. On the night I attended there was at first some coughing, then some laughter, and by the end a hush so complete that when the lid gave way, with a tiny gasp of its own, several people cried out. I tell you this because it will help you to decide whether you want to go. If five minutes of herring seems to you an imposition, there are musicals up the street. If it sounds as though it might be, in the right hands, the most suspenseful thing on a stage this season, you should reserve now.

    The right hands belong to Marian Holt, who plays Agnes, the eldest of three sisters left in charge of an automated lighthouse that no longer needs them. Ms. Holt has been a dependable presence in this city for two decades, usually as someone's mother. Here she is given room. Her Agnes is a woman who has turned competence into a form of weeping, and she does more with the folding of an oilskin than most actors do with a soliloquy.

    The plot is slender. A letter has arrived from the board; the sisters must be out by spring. Inge (Della Ruiz), the middle one, is glad and cannot say so. Little Brit (Sunniva Clark), who is forty-three, refuses to believe it. A repairman comes and is given soup. There are echoes of other plays about three sisters and a house, and Ms. Weir, who is too intelligent not to know it, lets one of her characters remark that at least nobody has mentioned Moscow.

    Not everything works. The second act contains a dream, which is staged with a good deal of blue silk, and which explained to me at length what I had already been trusted to understand. The repairman is less a person than a device for getting the women to talk about the past; Owen Tate, in the part, looks as though he would be happier mending something. And the accents wander so freely about the North Sea that a chart might have been provided with the program.

    But Henrik Moe's direction is alert to every shift of feeling, and the set, by Lucia Amadi, is a marvel. One gradually becomes aware that the whole round room is turning, no faster than the minute hand of a clock, so that a stove which stood at the left when the lights went up is on the right by the time they go down. The lamp itself is never seen. We see only its beam, which crosses the back wall every eleven seconds and which the sisters, after a lifetime, have ceased to notice. In the last moment of the play it fails to come. Three heads lift. I have seldom heard a silence so loud.
    """#,
    #"""
    I have been using the Tarn D4 portable sound recorder for a little over three months, in conditions that ranged from a quiet library to the deck of a car ferry in February, and I can sum up my feelings quite easily: it makes beautiful recordings, and I would like to have a word with whoever designed the buttons.

    Let's start with the good news. The D4 has four inputs, records at up to 24 bits and 192 kHz, and has preamplifiers that are about as silent as anything I've come across at less than twice the price. To test them I plugged in a low-output ribbon microphone, turned the gain most of the way up, and recorded a clock in the next room. You can hear the clock. You can hear that it's a cheap clock. What you can't hear is hiss, and with my old machine that was more or less all there was. The built-in pair of microphones is decent too, if slightly bright, and the supplied foam windshield actually works in a breeze, which must be some kind of first.

    Battery life is excellent. The makers claim 14 hours from four AA cells; I got 12 hours 50 minutes with rechargeables, recording in stereo with the backlight off. It starts up in under four seconds. There's a pre-record buffer that constantly holds on to the previous ten seconds, so that when an owl hoots and you lunge for the button, you get the hoot. I'd have paid a good part of the asking price for that feature alone.

    Now for the buttons. There are nine of them, identical in shape, set flush with the case, and labelled in dark grey on black. In daylight this is annoying. In a wood at five in the morning it is a form of mockery. Twice I stopped a recording when I meant to place a marker; once I formatted the card, having been asked "Are you sure?" in letters that I could have sworn said something else. The menus aren't much better. Input level is three layers down, next to the setting for the colour of the clock. An update in January moved it up by one layer, so somebody is evidently listening, but a plain old-fashioned knob would have been kinder.

    The other thing to bear in mind is handling noise. The case is rigid plastic, and any movement of the fingers comes through as a thump. Use a tripod, or else hang it from the strap ring and keep your hands in your pockets. It isn't weatherproof, though mine has survived a fair amount of drizzle and one cup of tea.

    Should you buy it? If you record indoors, or have a desk to put it on, then without hesitation: there is nothing near it for the money. If you mainly work outside, in the dark and with gloves on, try to borrow one first. For my part, I've stuck a bead of silicone on the record button and a bigger one on stop, and I have no intention of going back.

    Pros: superb preamps, long battery life, pre-record buffer. Cons: maddening controls, handling noise, no case. Four stars out of five.
    """#,
    #"""
    A HISTORY OF FOG, by Leonora Vance. 412 pages. Illustrated.

    It is a brave author who takes for her subject something whose chief property is that it prevents one from seeing anything else. Leonora Vance, a historian of technology whose last book dealt with the paper clip, admits as much on her opening page. Fog, she writes, "has no outline, no permanence and no opinions; it leaves neither ruins nor archives, and those who know it best have usually just run into something." Four hundred pages later one is persuaded that it has nevertheless got a history, and that it is largely a history of ourselves.

    The book is arranged by place. We begin at sea, on the Grand Banks, with schooners ringing their bells in a white blindness that might last for three weeks; move on to London, in the age when coal smoke turned the mist to the color of a bruise and cattle were suffocated at an agricultural show; and from there go to the desert of northern Chile, where villagers have strung up nets to comb the drifting cloud for drinking water. Each of these chapters is a small feast of particulars. I did not know that there was once a profession of link-boy, paid to guide pedestrians with a torch and suspected, often rightly, of guiding them to robbers. Nor had I heard of the experiments in which wartime airfields were ringed with burning gasoline in order to lift the murk from the runway. They consumed, by Ms. Vance's estimate, as much fuel in an hour as a car would use in several lifetimes, and they worked.

    She is particularly good on sound. The middle third of the book is a biography of the foghorn, that most melancholy of inventions, and of the long, bad-tempered argument among nineteenth-century physicists about why it could sometimes be heard at twenty miles and sometimes not at two. The quarrel involved a gunboat, a trumpet eighteen feet long and a good many letters to newspapers. Ms. Vance takes visible pleasure in it, and so will the reader.

    If there is a weakness, it lies in the final section, on fog in painting and fiction. Here the author, so sure-footed among boilers and reeds, becomes a touch dutiful; there is a paragraph for every famous canvas, and a tendency to conclude that things are ambiguous. One misses the practical people. A closing excursion into the "fog of war" and the computing "cloud" might well have been left out, as it would have been by any editor with a machete.

    These are minor complaints. The prose is clear, dry and funny, the notes are a pleasure in themselves, and there is a photograph on page 207, of a keeper's wife doing her knitting beside a siren with her fingers and her ears full of wool, that I would not have missed for anything. Coastal fog, we learn in passing, is on the decline in several parts of the world. It seems an odd thing to mourn. By the end of this fine book, I found that I was mourning it.
    """#,
  ]
}

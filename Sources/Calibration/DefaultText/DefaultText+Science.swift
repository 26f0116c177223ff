extension DefaultText {
  /// Worked problems, papers, forums, notices, minutes. One text, long because it is data.
  static let science = [
    #"""
    **Problem.** A farmer wants to enclose a rectangular paddock of 1,800 square metres along a straight river. No fence is needed on the side of the river. The paddock is to be divided into two parts by a fence perpendicular to the river. (a) Find the dimensions for which the total length of fence is as small as possible. (b) By how much does the length increase if she makes the paddock square instead? (c) How does the answer to (a) change if there are n dividing fences instead of one?

    **Solution.** Let x be the side perpendicular to the river and y the side parallel to it, both in metres. There are three pieces of fence of length x (the two ends and the divider) and one of length y. We therefore have to minimize

    L = 3x + y subject to xy = 1800, with x > 0 and y > 0.

    Substituting y = 1800/x gives a function of one variable:

    L(x) = 3x + 1800/x.

    *(a)* The derivative is L'(x) = 3 − 1800/x². Setting it equal to zero yields x² = 600, hence x = √600 = 10√6 ≈ 24.49. The negative root is excluded because x is a length. The second derivative, L''(x) = 3600/x³, is positive for every x > 0, so L is convex on its domain and the stationary point is the global minimum. The other side is

    y = 1800/(10√6) = 180/√6 = 30√6 ≈ 73.48.

    The minimal length is L = 3 · 10√6 + 30√6 = 60√6 ≈ 146.97 metres.

    It is worth noticing that the fence perpendicular to the river takes up 30√6 metres and the fence parallel to it also takes up 30√6 metres. This is no coincidence. By the inequality of the arithmetic and geometric means, 3x + y ≥ 2√(3xy) = 2√5400 = 60√6, with equality exactly when 3x = y. So the result can be obtained without calculus, and we see at once that the material is always divided equally between the two directions.

    *(b)* For a square paddock, x = y = √1800 = 30√2 ≈ 42.43. The length is 3x + y = 4 · 30√2 = 120√2 ≈ 169.71 metres. The difference is 169.71 − 146.97 = 22.74 metres, an increase of about 15.5 percent. (Exactly: the ratio is 120√2 / 60√6 = 2/√3 ≈ 1.1547.)

    *(c)* With n dividing fences there are n + 2 pieces of length x, so L = (n + 2)x + y. The same argument gives (n + 2)x = y, and together with xy = 1800 we obtain

    x = √(1800/(n + 2)), y = √(1800(n + 2)), L = 2√(1800(n + 2)).

    For n = 1 this reproduces the values above. For n = 0 we get x = 30, y = 60 and L = 120, the well-known result that without dividers the side along the river should be twice as long as the other one.

    **Check.** For x = 24 we have y = 75 and L = 147; for x = 25 we have y = 72 and L = 147. Both values are slightly larger than 146.97, as they should be, and the minimum lies between them.
    """#,
    #"""
    **Exercise 7.** A factory makes ceramic cups on two lines. Line A produces 60 % of all cups, line B the remaining 40 %. On line A, 2 % of the cups have a crack; on line B, 5 % do. An automatic tapping test is supposed to sort out the cracked ones. If a cup is cracked, the test raises an alarm with probability 0.9. If a cup is sound, it raises a false alarm with probability 0.03.

    1. What is the probability that a randomly chosen cup is cracked?
    2. A cup triggers an alarm. How likely is it that the cup is really cracked?
    3. A cup passes the test without an alarm. How likely is it to be cracked all the same?
    4. To reduce the number of sound cups that are thrown away, every cup with an alarm is tested a second time and discarded only if there is a second alarm. Assume that, given the condition of the cup, the two tests are independent. What is the probability that a discarded cup was cracked?

    **Solution**

    Let C be the event "the cup is cracked" and T the event "the test raises an alarm".

    *Part 1.* By the law of total probability,

    P(C) = P(A) · P(C|A) + P(B) · P(C|B) = 0.6 · 0.02 + 0.4 · 0.05 = 0.012 + 0.020 = 0.032.

    So 3.2 % of all cups are cracked.

    *Part 2.* We first compute the overall probability of an alarm:

    P(T) = P(C) · P(T|C) + P(not C) · P(T|not C) = 0.032 · 0.9 + 0.968 · 0.03 = 0.0288 + 0.02904 = 0.05784.

    Bayes' theorem then gives

    P(C|T) = 0.0288 / 0.05784 ≈ 0.498.

    Only about half of the cups that trigger an alarm are cracked. This surprises many people, since the test seems to be quite accurate. The explanation is that sound cups are thirty times more common than cracked ones, so even a small rate of false alarms produces as many alarms as the cracked cups do. It helps to think in absolute numbers: out of 100,000 cups, 3,200 are cracked, of which 2,880 cause an alarm; among the 96,800 sound ones there are 2,904 false alarms.

    *Part 3.* The probability of no alarm is 1 − 0.05784 = 0.94216. A cracked cup goes unnoticed with probability 0.032 · 0.1 = 0.0032. Hence

    P(C|not T) = 0.0032 / 0.94216 ≈ 0.0034,

    that is, about one cup in 294. The test lowers the proportion of cracked cups in the shops from 3.2 % to 0.34 %.

    *Part 4.* With two independent tests, the probability of two alarms is 0.9² = 0.81 for a cracked cup and 0.03² = 0.0009 for a sound one. Therefore

    P(C|two alarms) = (0.032 · 0.81) / (0.032 · 0.81 + 0.968 · 0.0009) = 0.02592 / (0.02592 + 0.0008712) = 0.02592 / 0.0267912 ≈ 0.967.

    Now almost 97 % of the discarded cups are really cracked. The price is that a cracked cup is caught with a probability of only 0.81 instead of 0.9, so the share of undetected cracks rises from 10 % to 19 %.

    **Remark.** The assumption of independence deserves scrutiny. If a sound cup sets off a false alarm because of, say, an unusually thick handle, it will probably do so again. In that case the second test adds less information than the calculation suggests.
    """#,
    #"""
    **Question:** A sledge with a child on it (total mass 40 kg) starts from rest at the top of a slope that is 30 m long and inclined at 15° to the horizontal. The coefficient of kinetic friction between runners and snow is 0.08. At the bottom, the sledge continues on level snow with the same coefficient. Find (a) the acceleration on the slope, (b) the speed at the bottom, (c) the distance covered on the level before the sledge comes to rest, and (d) the total time of the ride. Then say which of your results depend on the mass. Use g = 9.81 m/s² and neglect air resistance.

    **Answer:**

    Let's begin with the forces. Three of them act on the sledge while it is on the slope: its weight mg, pointing straight down; the normal force N, perpendicular to the surface; and the friction force f, directed up the slope because the sledge is sliding down. We choose one axis along the slope (positive downhill) and the other perpendicular to it.

    Perpendicular to the slope there is no acceleration, so N = mg cos 15°. The friction is f = μN = μ mg cos 15°.

    **(a)** Newton's second law along the slope reads

    m a = mg sin 15° − μ mg cos 15°

    and dividing by m we get

    a = g (sin 15° − μ cos 15°) = 9.81 · (0.2588 − 0.08 · 0.9659) = 9.81 · 0.1815 ≈ 1.78 m/s².

    **(b)** The sledge starts from rest and covers s = 30 m, so

    v² = 2as = 2 · 1.781 · 30 ≈ 106.9 m²/s², v ≈ 10.3 m/s,

    which is roughly 37 km/h. We can check this by means of energy. The height of the slope is h = 30 · sin 15° = 7.765 m, so the potential energy released is 40 · 9.81 · 7.765 ≈ 3,047 J. The work done against friction is μ mg cos 15° · s = 0.08 · 40 · 9.81 · 0.9659 · 30 ≈ 910 J. The difference, 2,137 J, must equal ½mv², and indeed ½ · 40 · 106.9 = 2,138 J. The tiny discrepancy is due to rounding.

    **(c)** On the level, friction is the only horizontal force: m a' = −μ mg, so the sledge decelerates at μg = 0.08 · 9.81 = 0.785 m/s². It stops after

    d = v² / (2μg) = 106.9 / 1.570 ≈ 68.1 m.

    **(d)** The time on the slope is t₁ = v/a = 10.34 / 1.781 ≈ 5.8 s. The time on the level is t₂ = v/(μg) = 10.34 / 0.785 ≈ 13.2 s. Altogether the ride lasts about 19 seconds.

    **Dependence on the mass.** Since both the driving force and the friction are proportional to m, the mass cancels out of every equation of motion. Acceleration, speed, distance and time would therefore be the same for a child alone and for a child with a parent. Only the forces and the energies depend on m. In reality a heavier sledge tends to travel farther, for a reason which we have excluded here: air resistance does not grow in proportion to the mass.

    **A common mistake** is to use N = mg on the slope. In our case this would make the friction about 3.5 % too large, which hardly matters, but on a slope of 60° it would be wrong by a factor of two.
    """#,
    #"""
    **Task.** Two ponds are connected by a channel. Every week, one quarter of the fish in the upper pond swim to the lower one, and one half of the fish in the lower pond swim to the upper one. There are no births and no deaths. At the beginning there are 120 fish in the upper pond and none in the lower one. Describe the numbers after k weeks with the help of matrices, find the long-term behaviour, and determine after how many weeks the upper pond contains fewer than 81 fish.

    **Setting up the model.** Let u_k and l_k be the numbers of fish in the upper and in the lower pond after k weeks. The rules translate into

    u_{k+1} = 3/4 u_k + 1/2 l_k
    l_{k+1} = 1/4 u_k + 1/2 l_k

    or, in matrix form, v_{k+1} = M v_k with

    $$M = \begin{pmatrix} 3/4 & 1/2 \\ 1/4 & 1/2 \end{pmatrix}, \qquad v_0 = \begin{pmatrix} 120 \\ 0 \end{pmatrix}.$$

    Each column of M adds up to 1, which expresses the fact that no fish are lost. After k weeks we have v_k = M^k v_0, so we need a convenient expression for the powers of M.

    **Eigenvalues.** The characteristic polynomial is

    det(M − λI) = (3/4 − λ)(1/2 − λ) − 1/8 = λ² − (5/4)λ + 1/4 = (λ − 1)(λ − 1/4).

    Hence λ₁ = 1 and λ₂ = 1/4. As a check, their sum, 5/4, is the trace of M, and their product, 1/4, is its determinant.

    **Eigenvectors.** For λ₁ = 1 the equation (M − I)v = 0 becomes −1/4 · u + 1/2 · l = 0, so u = 2l, and we may take a = (2, 1). For λ₂ = 1/4 we get 1/2 · u + 1/2 · l = 0, so we may take b = (1, −1).

    **Decomposing the initial state.** We look for numbers α and β such that v_0 = αa + βb, that is, 2α + β = 120 and α − β = 0. It follows that α = β = 40. Since M multiplies a by 1 and b by 1/4 in every step,

    $$v_k = 40 \begin{pmatrix} 2 \\ 1 \end{pmatrix} + 40 \left(\tfrac14\right)^k \begin{pmatrix} 1 \\ -1 \end{pmatrix},$$

    or u_k = 80 + 40/4^k and l_k = 40 − 40/4^k.

    **Checking the first step.** The formula gives u_1 = 80 + 10 = 90 and l_1 = 30. Directly: a quarter of 120 fish leave the upper pond, so 90 stay, and 30 arrive in the lower one. The two agree.

    **Long-term behaviour.** Because (1/4)^k tends to zero, the numbers approach 80 and 40. In this state, one quarter of 80 fish, i.e. 20, swim down every week, and one half of 40, i.e. 20 as well, swim up. The fish keep moving, but the totals no longer change; it is a dynamic equilibrium. It does not depend on how the 120 fish were distributed at the start, because the initial distribution affects only β.

    **When are there fewer than 81?** We need 40/4^k < 1, that is, 4^k > 40. Since 4² = 16 and 4³ = 64, this happens for the first time when k = 3, where u_3 = 80 + 40/64 = 80.625.

    **A remark about the model.** A number such as 80.625 fish makes sense only as an expected value. With so few animals, chance would cause the actual counts to fluctuate by several fish from one week to the next.
    """#,
    #"""
    ### Worked example: how long does an emergency lamp stay on?

    A small emergency lamp is fed by a capacitor. The capacitor has a capacitance of C = 0.50 F and is charged to U₀ = 5.0 V. The lamp behaves approximately like a resistor of R = 240 Ω, and it gives useful light as long as the voltage across it is at least 2.0 V.

    (a) How much energy is stored at the beginning? (b) After what time does the lamp become too dim? (c) What fraction of the energy has been used by then? (d) A designer suggests replacing the capacitor by two of the same kind, connected either in parallel or in series. The charging voltage remains 5.0 V. Which arrangement is preferable?

    **(a) Stored energy.** The energy in a capacitor is

    E₀ = ½ C U₀² = ½ · 0.50 F · (5.0 V)² = 6.25 J.

    That isn't much: a single AA battery contains more than a thousand times as much. The attraction of the capacitor is that it can be charged in seconds and survives hundreds of thousands of cycles.

    **(b) Duration.** The current through the lamp is I = U/R, and it drains the capacitor, so that dU/dt = −I/C = −U/(RC). The rate at which the voltage falls is proportional to the voltage itself, which leads to an exponential decay:

    U(t) = U₀ e^(−t/τ), with τ = RC = 240 Ω · 0.50 F = 120 s.

    We set U(t) = 2.0 V and solve for t:

    t = τ ln(U₀/U) = 120 s · ln 2.5 = 120 s · 0.916 ≈ 110 s.

    The lamp is useful for just under two minutes.

    **(c) Fraction of the energy used.** The energy is proportional to the square of the voltage. At 2.0 V the remaining fraction is (2.0/5.0)² = 0.16. So 84 % of the energy, or 5.25 J, has been used. This is a pleasant feature of capacitors: although the voltage has fallen by only 60 %, most of the energy has already been delivered.

    **(d) Two capacitors.** In parallel the capacitances add up to 1.0 F, the time constant doubles to 240 s, and the lamp stays on for 220 s. In series the total capacitance is only 0.25 F, the time constant is halved, and the lamp goes dim after 55 s. At the same charging voltage, then, the parallel arrangement is clearly preferable.

    Does that mean that a series connection is always pointless? No. In series, each capacitor carries only half of the voltage, so the pair could be charged to 10 V if the individual capacitors are rated for 5 V. In that case the stored energy would be ½ · 0.25 F · (10 V)² = 12.5 J, exactly the same as for two capacitors in parallel at 5 V, namely ½ · 1.0 F · (5.0 V)² = 12.5 J. What matters in the end is the number of capacitors and the voltage across each of them.

    **Plausibility check.** The initial current is 5.0 V / 240 Ω ≈ 21 mA. If it remained constant, the charge Q = CU₀ = 2.5 C would be used up in 2.5 C / 0.0208 A = 120 s, which is precisely the time constant. In reality the current decreases, so the voltage never reaches zero, and after 110 s it has fallen to 40 % of its initial value. The orders of magnitude fit together.
    """#,
    #"""
    **Roadside ponds as stepping stones: colonization of artificial water bodies by newts in an agricultural landscape**

    **Abstract.** Drainage basins built along rural roads are usually regarded as technical structures, but they may also provide habitat for amphibians. We surveyed 64 basins in a region dominated by arable farming over five consecutive springs and recorded the presence of three species of newt by means of bottle traps and torchlight counts. A dynamic occupancy model was used to separate colonization and local extinction from imperfect detection. At the end of the study, 58 % of the basins (95 % credible interval: 49–66 %) were occupied by at least one species, compared with 31 % at the beginning. The probability of colonization decreased with the distance to the nearest occupied pond, falling by half for every 410 m, and increased with the proportion of hedgerow in a radius of 250 m. Local extinction was driven mainly by fish, which had been introduced to eleven basins, and by complete drying before the end of June. Contrary to our expectations, the concentration of chloride from de-icing salt had no detectable effect on occupancy within the observed range. Simulations suggest that adding 20 basins at the locations with the highest connectivity would raise the expected number of occupied sites more than adding 40 at random. We conclude that drainage basins can contribute to the persistence of newt populations, provided that they are kept free of fish and retain water until metamorphosis is complete.

    **Introduction.** Small ponds have disappeared from many farming regions during the last century, either because they were filled in to enlarge fields or because they silted up after cattle no longer used them. For animals that depend on water for reproduction but spend most of the year on land, the loss of a single pond matters less than the loss of the network to which it belongs. A population that goes extinct after a dry year can be re-established from a neighbouring pond, but only if there is a neighbour within reach.

    At the same time, road construction has created a large number of new water bodies. Regulations require that runoff be retained and cleaned before it is discharged, and the resulting basins are remarkably similar to the ponds that have vanished: shallow, sunny, and between 100 and 600 square metres in size. Whether they function as substitutes is an open question. On the one hand, they may be polluted, steep-sided, or subject to sudden changes in water level; on the other, they are rarely disturbed outside the annual mowing. If they attract animals without allowing them to reproduce, they might even act as ecological traps.

    Here we ask (i) which features of the basins and of their surroundings determine whether newts colonize them, (ii) which factors lead to the disappearance of established populations, and (iii) how additional basins should be placed in order to be of the greatest benefit.
    """#,
    #"""
    ## 2. Materials and methods

    ### 2.1 Preparation of the specimens

    Mortar prisms measuring 40 × 40 × 160 mm were cast from Portland cement, standard sand and tap water in a mass ratio of 1 : 3 : 0.5. In four of the five series, part of the cement (5, 10, 15 and 20 % by mass) was replaced with ground shell powder obtained from a seafood processing plant. The shells had been boiled for 30 minutes, dried at 105 °C to constant mass, and milled in a ball mill until the residue on a 63 µm sieve was less than 8 %. A series without replacement served as the control. Twelve prisms were made per series, giving a total of sixty. After 24 hours the specimens were demoulded and stored under water at 20 ± 1 °C until testing.

    ### 2.2 Mechanical tests

    Flexural strength was determined in three-point bending at a loading rate of 50 N/s. The two halves of each broken prism were then tested in compression at 2.4 kN/s. Tests were carried out after 7, 28 and 90 days, with four prisms per series and age. Results are given as mean values with standard deviations. Individual values that deviated from the mean by more than 10 % were excluded and the mean was recalculated; this concerned three of 120 compressive strength values.

    ### 2.3 Porosity and microstructure

    Fragments taken from the core of the specimens were immersed in isopropanol for seven days in order to stop hydration, and dried under vacuum. Pore size distributions were measured by mercury intrusion at pressures up to 400 MPa, assuming a contact angle of 140° and a surface tension of 0.48 N/m. Polished sections were examined in a scanning electron microscope at an accelerating voltage of 15 kV in backscattered electron mode. For each series, 25 images at a magnification of 500 were segmented by thresholding the grey-level histogram.

    ### 2.4 Statistical analysis

    The effect of the replacement level on strength was evaluated by one-way analysis of variance for each age separately, followed by pairwise comparisons with the control, adjusted for multiple testing. The level of significance was set at 0.05. Residuals were inspected visually; no transformation was necessary.

    ## 3. Results

    Table 2 summarizes the compressive strengths. Up to a replacement level of 10 %, the strength after 28 days did not differ significantly from that of the control (51.8 ± 1.9 MPa versus 52.6 ± 1.6 MPa). At 15 % it was lower by 9 %, and at 20 % by 17 %. The early strength, by contrast, was slightly higher in the 5 % series than in the control after seven days, which is consistent with the view that fine calcium carbonate provides additional sites for nucleation.

    | Replacement (%) | 7 days (MPa) | 28 days (MPa) | 90 days (MPa) |
    |---:|---:|---:|---:|
    | 0 | 38.4 ± 1.3 | 52.6 ± 1.6 | 59.1 ± 1.8 |
    | 5 | 40.1 ± 1.1 | 53.0 ± 1.4 | 58.7 ± 2.0 |
    | 10 | 37.9 ± 1.5 | 51.8 ± 1.9 | 56.9 ± 1.7 |
    | 15 | 34.2 ± 1.4 | 47.9 ± 2.1 | 52.8 ± 2.2 |
    | 20 | 30.6 ± 1.7 | 43.7 ± 1.8 | 48.0 ± 2.4 |
    """#,
    #"""
    # Abstaining by Disagreement: Cheap Confidence Estimates for Text Classifiers

    ## Abstract

    Text classifiers deployed in customer service must decide not only which label to assign but also when to hand a message over to a person. The probability of the predicted class is a popular criterion, yet it is poorly calibrated when the incoming messages drift away from the training data. Ensembles offer a remedy but multiply the cost of inference. We propose to attach several lightweight heads to a shared encoder, to train them on overlapping subsets of the labels' examples, and to abstain whenever the heads disagree. The additional cost amounts to less than 2 % of a forward pass. On four internal benchmarks with natural drift over eighteen months, the method reduces the error rate at 80 % coverage from 6.1 % to 4.3 % on average, recovering about three quarters of the improvement achieved by an ensemble of five full models. An ablation shows that the diversity of the training subsets matters more than the number of heads.

    ## 1 Introduction

    Suppose that a classifier routes messages to one of sixty departments with an accuracy of 91 %. Whether this is good enough depends on what happens to the other 9 %. If the errors are concentrated among messages on which the model is visibly unsure, these can be passed on to a human operator, and the remaining ones are handled almost flawlessly. If they are spread evenly, there is no way of catching them. A useful model must therefore *know when it does not know*.

    Formally, let f be a classifier and g a confidence function. Given a threshold t, the system answers if g(x) ≥ t and abstains otherwise. The *coverage* is the fraction of inputs that are answered, and the *selective risk* is the error rate among these. By varying t we obtain a curve, and the area under it is a natural measure of quality. Note that the curve depends on the ranking induced by g alone, so that any monotone recalibration leaves it unchanged. In particular, temperature scaling with a single parameter cannot change the ranking of two inputs in the binary case, and in our experiments with many classes it changed very little.

    Our contributions are as follows:

    - We describe a training procedure for multi-head classifiers in which each head sees a random 70 % of the examples of every class (Section 3).
    - We compare seven confidence functions under temporal drift, with all hyperparameters chosen on data from before the drift (Section 4).
    - We analyse the cases in which the heads agree and are nevertheless wrong. More than half of them turn out to be annotation errors (Section 5).

    ## 5.3 Limitations

    All of our data sets consist of short messages written in one of two languages, and it is unclear to what extent the results carry over to longer documents. Moreover, disagreement between the heads says little about inputs that belong to none of the known classes: on a set of 500 advertising messages, the heads agreed unanimously in 38 % of the cases. A separate detector for such inputs remains necessary.
    """#,
    #"""
    **Title:** Effect of a structured evening routine on sleep quality in nurses working rotating shifts: a randomized controlled trial

    **Background:** Sleep disturbance is common among hospital staff who alternate between day and night shifts, and it is associated with fatigue, errors in medication, and early departure from the profession. Pharmacological treatment is of limited value in this group because the timing of sleep changes from week to week. Behavioural programmes have shown promise in the general population, but few of them have been adapted to irregular schedules.

    **Objective:** To determine whether a brief structured routine before bedtime, tailored to the shift schedule, improves subjective and objective sleep quality in nurses over a period of twelve weeks.

    **Methods:** In this two-arm, parallel-group trial, 212 nurses from six hospitals were randomly assigned in a ratio of 1:1 to the intervention or to a waiting list. Randomization was stratified by hospital and by years of shift work (less than five; five or more). The intervention consisted of one group session of 90 minutes and a printed plan with three elements: dimmed light during the last hour before bedtime, a fixed sequence of quiet activities lasting 20 minutes, and a rule for naps that depended on the next shift. The primary outcome was the change in the score of a sleep quality questionnaire (range 0 to 21, with higher values indicating poorer sleep) between baseline and week 12. Secondary outcomes included total sleep time measured by wrist actigraphy, daytime sleepiness, and sick leave. Participants could not be blinded; the staff who analysed the actigraphy recordings were unaware of the allocation. Analyses followed the intention-to-treat principle, and missing values were handled by multiple imputation.

    **Results:** Of the participants, 184 (87 %) completed the assessment at week 12. The mean score decreased from 9.8 to 7.1 in the intervention group and from 9.6 to 8.9 in the control group, corresponding to an adjusted difference of −1.9 points (95 % CI −2.7 to −1.1; p < 0.001). Total sleep time increased by 19 minutes more in the intervention group than in the control group (95 % CI 4 to 34 minutes; p = 0.01), whereas there was no significant difference with regard to sick leave. The effect was larger after day shifts than after night shifts. No serious adverse events occurred. Adherence, defined as following the plan on at least four days a week, declined from 78 % in week 2 to 55 % in week 12.

    **Conclusions:** A simple routine adapted to the shift schedule led to a moderate improvement in sleep quality. Since the comparison was with a waiting list, part of the effect may be due to attention and expectation. Whether it lasts beyond three months, and whether reminders can prevent the decline in adherence, should be examined in a larger trial with an active control group.

    **Plain-language summary:** Nurses who work changing shifts often sleep badly. We tested a short bedtime plan that takes the next shift into account. After three months, those who had received the plan slept somewhat better, and about twenty minutes longer, than those who were still waiting for it. It did not reduce the number of sick days.
    """#,
    #"""
    ## 4 Discussion: how a preposition became a future tense

    The data presented in the previous section make it possible to reconstruct, at least in outline, the path by which the preposition *tam* 'towards' came to mark the future in the dialects of the upper Orlen valley. We distinguish four stages, for each of which the corpus of village records provides direct evidence.

    In the first stage, *tam* is found only with nouns denoting places, as in *ea vol tam mera* 'I go towards the mill'. The verb is always one of motion, and the noun always carries the definite suffix. Of the 212 occurrences in the oldest records, not a single one departs from this pattern.

    In the second stage, the noun may be replaced with a verbal noun denoting an activity that takes place somewhere: *ea vol tam merin* 'I go to the milling'. Such sentences are ambiguous. They say that the speaker is on the way to a place, but a listener may well conclude that the speaker intends to do something there. It is this inference, drawn over and over again, that we take to be the source of the later meaning. Nothing in the grammar has changed as yet; what has changed is the use to which it is put.

    The third stage is reached when the construction appears in contexts where movement is out of the question. A particularly clear example comes from the complaint of a bedridden widow, who declares that she *vol tam skivin* a letter, literally 'goes towards the writing'. She evidently isn't going anywhere. At this point, the construction must have been stored as a unit with a meaning of its own, namely intention. The proportion of non-motion uses rises from 4 % to 41 % in the space of some seventy years, and the curve has the familiar shape of an S.

    In the fourth and last stage, the verb *vol* 'go' is lost. Unstressed and predictable, it was first reduced to a mere consonant (*ea 'l tam skivin*) and finally dropped, so that *tam* alone carries the meaning of the future. Now inanimate subjects occur as well: *nev tam kadin* 'snow will fall'. Since snow has no intentions, the meaning must have been generalized from intention to prediction.

    Two objections should be considered. First, it might be argued that the construction was borrowed from the neighbouring language across the pass, which also has a future based on 'towards'. The chronology speaks against this, because the earliest examples there are at least two generations younger. Secondly, our corpus consists of legal and administrative texts, which are known to be conservative; in the spoken language, every stage may have begun considerably earlier. We grant this point. It affects the absolute dates, however, and not the order of the stages, with which we are mainly concerned.

    From a theoretical point of view, the case is instructive because the element which survived is not the one that might have been expected. In the well-documented futures derived from verbs of motion, it is the verb that turns into a grammatical marker. Here the verb vanished, and the humble preposition inherited its role.
    """#,
    #"""
    **Thread: Wi-Fi drops every evening between 8 and 11, cable is fine** [SOLVED]

    **halfmoon_bay** wrote:
    Hi all, this is driving me mad. Every evening starting around 8 my wifi becomes unusable. Pages take ages, video calls freeze, and then around 11 it's perfect again. I already rebooted the router (many times), changed the wifi password, and called my provider. They say the line is fine. And I think they're right, because with a LAN cable I get the full 100 Mbit at any time of day. Router is the standard box from the provider, maybe 4 yrs old. I live in an apartment building, 3rd floor out of 6. Any ideas??

    **tinkersmith** wrote:
    Cable good + wifi bad + only in the evenings + apartment building = your neighbours came home. Which band are you on? 2.4 GHz has only three channels that don't overlap, so if there are 20 networks in the building they're all shouting over each other. Install a wifi analyser app on your phone and tell us what you see at 9 pm.

    **halfmoon_bay** wrote:
    OK wow. I count 27 networks. On channel 1 there are eleven of them including mine. Channel 6 has 9 and channel 11 has 7. There's also somebody on channel 3?

    **tinkersmith** wrote:
    lol, there's always somebody on channel 3. That one disturbs both 1 and 6. What about 5 GHz?

    **halfmoon_bay** wrote:
    Only six networks on 5 GHz. But I can't see mine there, I thought my router does both?

    **marguerite77** wrote:
    It probably does, but a lot of those boxes ship with "band steering" off or with 5 GHz disabled after a channel scan. Log in to the router's page (address is on the sticker), go to Wireless > Advanced and check whether the 5 GHz radio is actually on. While you're there:
    1. give the 5 GHz network a different name for now so you can tell which one you're on
    2. channel width 80 MHz is fine, don't bother with 160
    3. on 2.4 GHz set the width to 20 MHz, not 40, and be nice to your neighbours

    **halfmoon_bay** wrote:
    Found it! It said "5 GHz: scheduled" and the schedule was set to 7:00 – 20:00. Who does that?! Probably me, years ago, when I was playing with the eco mode settings... So at 8 pm sharp everything jumped over to 2.4. I've turned the schedule off. Will report back tonight.

    **old_oak** wrote:
    Haha, classic. The problem that happens on the hour, every day, is always a timer.

    **halfmoon_bay** wrote:
    Reporting back: 9:40 pm, 93 Mbit in the living room, 61 in the bedroom. Video call with my sister for an hour, not a single freeze. You people are wonderful. And I owe my provider an apology.

    **tinkersmith** wrote:
    Never apologise to a provider, they'll put it on the bill. Could you put [SOLVED] in the title, please? For anyone finding this later: the steps were (1) test with a cable to rule out the line, (2) scan the bands, (3) check for schedules in the router.
    """#,
    #"""
    [14:02] **Support (Ilse):** Good afternoon, and thank you for contacting Pennywort Software. My name is Ilse. How can I help you?

    [14:03] **Customer:** Hello. Since yesterday's update the invoices come out with the wrong VAT total. It's off by one or two cents. I have to send forty of them by five o'clock!

    [14:03] **Support (Ilse):** I'm sorry to hear that, and I understand that it's urgent. Let's sort this out step by step. Could you tell me which version is shown under Help > About, and whether all invoices are affected or only some of them?

    [14:05] **Customer:** Version 8.3.0. Not all. Maybe one in five? The ones with many lines I think.

    [14:06] **Support (Ilse):** That is very helpful. Could you pick one of the wrong invoices and give me the net amounts of the lines as well as the VAT rate?

    [14:09] **Customer:** 3 lines: 10.33, 10.33, 10.33. Rate is 19 %. It prints VAT 5.88 but my calculator says 5.89.

    [14:11] **Support (Ilse):** Thank you. I can see what is happening. 19 % of 10.33 is 1.9627, which is rounded to 1.96, and three times 1.96 makes 5.88. If you add up the net amounts first, you get 30.99, and 19 % of that is 5.8881, which is rounded to 5.89.

    [14:12] **Support (Ilse):** Both methods exist, but they must not be mixed. In version 8.3.0 the setting "Round per line" has been switched on for new installations, and it seems that in your case it was switched on by the update as well. That should not have happened.

    [14:13] **Customer:** So how do I get it back to how it was?

    [14:14] **Support (Ilse):** Please do the following:
    1. Open Settings > Documents > Calculation.
    2. Under "Rounding of VAT", choose "On the total" instead of "Per line".
    3. Click on Save. You don't have to restart.
    4. Select the forty invoices in the list, right-click, and choose "Recalculate drafts". Invoices that have already been sent are protected and will not be changed.

    [14:19] **Customer:** Done. The first one says 5.89 now. Checking the others … looks good!

    [14:20] **Support (Ilse):** I'm glad to hear it. May I ask whether any invoices were sent between the update and now?

    [14:21] **Customer:** Two this morning. Do I have to worry about those?

    [14:23] **Support (Ilse):** A difference of one cent that results from rounding per line is generally accepted, and the amounts on each of those invoices are consistent in themselves. I can't give you tax advice, however, so if you would like to be certain, please ask your accountant. If they recommend a correction, the function "Cancel and reissue" takes care of the numbering.

    [14:24] **Customer:** OK, will do. Thanks for the quick help.

    [14:25] **Support (Ilse):** You're welcome. I have reported the changed setting to our developers under the number 51877, and you will receive an e-mail as soon as it has been fixed. Is there anything else I can do for you?

    [14:25] **Customer:** No, that's all. Bye!
    """#,
    #"""
    **Brown sunken spots on the bottom of my tomatoes – disease or what?**

    *Posted by* **gravelpath** *· Vegetables & Herbs · 14 replies*

    First year with tomatoes on the balcony (south side, 10 litre pots, two plants of some plum variety whose label I lost). The plants look gorgeous, lots of leaves, but about half of the fruits get a brown leathery patch exactly opposite the stem. It starts as a watery spot when they're still green. I've cut off six so far. I water every evening and give liquid fertiliser once a week, a bit more than it says on the bottle because I wanted to do it properly. Should I spray something?

    > **nettlequeen:** Please don't spray. That's blossom end rot, and it isn't an infection at all. It's a lack of calcium *in the fruit*. The funny thing is that there's almost always enough calcium in the soil; it just doesn't get to where it's needed, because it travels with the water and the leaves grab most of it.

    > **gravelpath:** So I should add calcium? I've read about crushed eggshells.

    > **nettlequeen:** Eggshells take years to break down. They won't hurt, but they won't rescue this summer. What helps is even moisture. A 10 l pot in full sun on a hot day is bone dry by four in the afternoon, and watering in the evening comes too late. Water in the morning until it runs out at the bottom, and on hot days again in the late afternoon. Cover the soil with straw or grass clippings.

    > **brother_beet:** Agree with all of that. Also: STOP overfeeding. Too much nitrogen and potassium makes it harder for the plant to take up calcium. Your "gorgeous, lots of leaves" is exactly the symptom. Go down to half the recommended dose, and skip the next two weeks altogether.

    > **gravelpath:** Oops. Okay. And can we eat the ones that have a spot?

    > **brother_beet:** If it's dry and there's no mould, cut off the bottom third and eat the rest. I make sauce out of them. Pick them early so that the plant puts its energy into the others.

    > **lowercase_larry:** plum types are the worst for this btw. my cherry tomatoes have never had it, same soil, same watering, same everything. next year get bigger pots (20 l at least) or cherry varieties

    > **nettlequeen:** Seconded. Long fruits are more prone to it, since the far end is a long way from the supply.

    **Update, three weeks later** *(gravelpath)*: I promised to let you know. I moved the watering to 7 a.m., added a layer of straw, and stopped the fertiliser completely for a fortnight. The fruits that were already affected didn't recover, of course, but of the 23 that have set since then only ONE has a spot. I also bought a cheap moisture meter and was shocked at how dry the lower half of the pots was, even though the surface felt damp. Lesson learned: more love is not the same as more fertiliser. Thanks, everybody!

    > **brother_beet:** That last sentence should be printed on every bottle.
    """#,
    #"""
    **Title:** Node service grows by ~40 MB per hour until it is killed, heap snapshots look normal

    **Asked by** quietfox

    We have a small service (HTTP API, about 30 requests per second) that resizes images and stores them. After every deployment, resident memory starts at about 180 MB and grows in an almost straight line until the container hits its limit of 1 GB and is restarted. What confuses me is that the JavaScript heap stays flat. This is what I log every ten minutes:

    ```
    rss=412.6MB heapUsed=61.2MB heapTotal=88.0MB external=9.1MB arrayBuffers=6.7MB
    rss=419.4MB heapUsed=58.9MB heapTotal=88.0MB external=9.3MB arrayBuffers=6.8MB
    rss=426.0MB heapUsed=60.4MB heapTotal=88.0MB external=8.8MB arrayBuffers=6.4MB
    ```

    I compared three heap snapshots, and there is nothing suspicious in them. The code is roughly this:

    ```js
    app.post("/images", async (req, res) => {
      const buffer = await readBody(req);
      const sizes = [320, 640, 1280];
      const results = await Promise.all(sizes.map((w) => resize(buffer, w)));
      await Promise.all(results.map((r, i) => store.put(`${req.id}-${sizes[i]}`, r)));
      res.status(201).json({ id: req.id });
    });
    ```

    What else can I look at?

    **Answer** by pebblework (accepted)

    If `rss` grows while `heapUsed`, `external` and `arrayBuffers` all stay flat, the memory is being held outside of what the engine knows about. There are basically two candidates: a native library that doesn't release what it allocates, or an allocator that doesn't give freed memory back to the operating system. The second one is far more common with image processing, and it isn't a leak in the strict sense.

    Here's why. Your resize library runs on several threads and allocates big blocks of very different sizes. The default allocator keeps separate arenas per thread, and a block in the middle of an arena that is still in use prevents everything below it from being returned. With a mix of sizes the arenas become fragmented and grow.

    You can tell the two apart with a quick experiment. Start the service with

    ```
    MALLOC_ARENA_MAX=2 node server.js
    ```

    and, in a second run, with a different allocator that is loaded by means of `LD_PRELOAD`. If the curve flattens out in either case, it's fragmentation. If it keeps climbing at the same rate, it's a real leak, and the next step is to bisect: call only `resize` in a loop, without the HTTP part, and watch `rss`.

    **Comment** by quietfox: You were right. With `MALLOC_ARENA_MAX=2` it levels off at 310 MB, with the other allocator at 240 MB. We went with the latter. Throughput is even slightly better.

    **Comment** by sam_the_lamp: Independently of that, I'd limit the number of concurrent resizes. `Promise.all` on three sizes times 30 requests per second can easily mean dozens of decoded images in memory at once. A semaphore with as many slots as you have cores gives you the same throughput with a much lower peak.
    """#,
    #"""
    # Harrow & Finch "Quietus" Kettle, 1.2 litres

    *Boils water. Makes very little fuss about it.*

    Most kettles announce themselves. They rattle, they roar, they end with a click that can be heard in the hallway, and if you live with somebody who goes to bed before you do, you know what that means. The Quietus was designed by people who drink tea late at night. Its double-walled body keeps the heat in and the noise down, and a finely ribbed base breaks up the bubbles before they become loud. At a distance of one metre we measured 51 decibels just before boiling, about as much as a conversation held in a low voice.

    **What you'll like about it**

    - **Six temperatures from 60 to 100 °C.** Green tea at 75, oolong at 85, coffee at 93, noodles at full blast. The last setting is remembered.
    - **Keeps warm for 40 minutes** without switching the heating element on and off every few seconds.
    - **A spout that pours in a thin, steady stream** and doesn't drip down the side. We went through nineteen prototypes until it didn't.
    - **Cool to the touch** on the outside, even with boiling water inside.
    - **No plastic in contact with the water.** The inside, the lid and the filter are made of stainless steel.
    - **Designed to be repaired.** The lid, switch, filter, seal and base can be ordered individually and replaced with an ordinary screwdriver. We guarantee the supply of spare parts for ten years.

    **Technical data**

    | Feature | Value |
    |---|---|
    | Capacity | 0.3 to 1.2 l |
    | Power | 1,850 W |
    | Time to boil 1 l (from 15 °C) | 3 min 35 s |
    | Dimensions (W × D × H) | 21 × 16 × 24 cm |
    | Weight without base | 1.05 kg |
    | Cable length | 75 cm, excess can be stored in the base |
    | Colours | chalk, slate, moss, brick |
    | Warranty | 3 years |

    **In the box:** kettle, base, limescale filter, instructions in nine languages, and a small brush for the spout.

    **Care:** Descale every two months with a mild solution of citric acid (two tablespoons to one litre). Wipe the outside with a damp cloth. Never immerse the kettle in water, and don't put it in the dishwasher.

    **Questions customers ask**

    *Does it work without the lid?* No. A sensor in the hinge prevents it from starting.

    *Is it really silent?* No electric kettle is. You will hear a soft murmur that becomes a little louder towards the end. If you'd rather have a signal when the water is ready, press the "+" button for three seconds, and the kettle will chime once. It's a pleasant chime. We argued about it for weeks.

    *Why is it more expensive than the one in the supermarket?* It contains about twice as much steel, and you won't have to buy another one in two years' time.
    """#,
    #"""
    GENERAL TERMS AND CONDITIONS FOR THE HIRE OF CARGO BICYCLES

    1. Scope

    1.1 These terms apply to all contracts for the hire of cargo bicycles and accessories (hereinafter "the Equipment") between the Lindenbrook Mobility Cooperative (hereinafter "the Cooperative") and its members or other users (hereinafter "the Hirer").

    1.2 Conflicting or deviating terms of the Hirer shall not become part of the contract unless the Cooperative has expressly agreed to them in writing.

    2. Conclusion of the contract

    2.1 By submitting a booking through the website, the Hirer makes a binding offer. The contract is concluded when the Cooperative confirms the booking by e-mail, and at the latest when the Equipment is handed over.

    2.2 The Hirer must be at least eighteen years of age and must present a valid identity document upon request.

    3. Fees, deposit and cancellation

    3.1 The fees are set out in the price list in force on the date of the booking. They include the statutory value added tax.

    3.2 The Cooperative may require a reasonable deposit, which shall be refunded within seven days of the return of the Equipment, less any amounts owed by the Hirer under Section 6.

    3.3 A booking may be cancelled free of charge up to 24 hours before the beginning of the hire period. In the event of a later cancellation, 50 % of the fee shall be payable, unless the Hirer proves that the Cooperative has incurred no loss or a substantially lower one.

    4. Obligations of the Hirer

    The Hirer shall

    (a) check the brakes, lighting and tyre pressure before each journey and refrain from using the Equipment if its safety is impaired;
    (b) comply with the permissible total weight and the applicable road traffic regulations;
    (c) carry children only in the seats intended for this purpose, with their belts fastened;
    (d) secure the Equipment with the lock provided, by attaching it to a fixed object, whenever it is left unattended; and
    (e) not sublet the Equipment or take it out of the country without prior consent.

    5. Defects and accidents

    5.1 The Hirer shall notify the Cooperative without undue delay of any defect that arises during the hire period. Repairs whose cost does not exceed 40 euros may be commissioned by the Hirer, and the cost shall be reimbursed on presentation of the receipt.

    5.2 In the event of an accident involving third parties, or of theft, the Hirer shall also inform the police.

    6. Liability

    6.1 The Hirer is liable for damage to, or loss of, the Equipment caused intentionally or by negligence. In cases of slight negligence, liability is limited to 250 euros per event.

    6.2 The Cooperative has unlimited liability for intent and gross negligence as well as for injury to life, body or health. In all other cases it is liable only for the breach of essential contractual obligations, and the amount is limited to the foreseeable damage typical of this type of contract.

    7. Final provisions

    Should individual provisions of these terms be or become invalid, the validity of the remaining provisions shall not be affected. The law of the place in which the Cooperative has its registered office shall apply, to the extent that mandatory consumer protection provisions do not dictate otherwise.
    """#,
    #"""
    TOWN OF ELDERMOUTH – DEPARTMENT OF PUBLIC WORKS

    Notice to residents and businesses: renewal of the water main in Cooper's Lane and Mill Rise

    Reference: PW/W/214-07

    Dear residents,

    The water main beneath Cooper's Lane and the lower section of Mill Rise (numbers 1 to 38) was laid more than ninety years ago and has burst four times within the past three winters. The Town Council has therefore decided to replace it along its entire length of 460 metres. At the same time, the gas company will renew eleven house connections, and empty ducts for fibre-optic cables will be laid so that the road does not have to be dug up again in the near future. We are writing to inform you about the course of the works and about what they will mean for you.

    **Duration and phases.** Work will begin on Monday 6 May and is expected to be completed by Friday 26 July. It will be carried out in three phases:

    1. Cooper's Lane, from the market square to the chapel (6 May to 31 May)
    2. Cooper's Lane, from the chapel to the junction with Mill Rise (3 June to 28 June)
    3. Mill Rise, numbers 1 to 38 (1 July to 26 July)

    Working hours are from 7.30 a.m. to 5 p.m. on weekdays. There will be no work on Sundays or public holidays.

    **Traffic and parking.** The section under construction will be closed to motor vehicles. Pedestrians will be able to reach every building at all times, and cyclists are asked to dismount. Temporary parking permits for the car park behind the fire station may be obtained free of charge from the information desk in the Town Hall on presentation of the vehicle registration document. Please note that vehicles left within the marked zones after the start of the phase concerned will have to be removed at the owner's expense.

    **Interruptions to the water supply.** When the house connections are switched over, the supply will be interrupted once for up to six hours. You will receive a card in your letter box at least three working days in advance. Once the supply has been restored, please let the cold tap run for about five minutes and clean the filter on your house connection. Slight cloudiness is harmless and is caused by tiny air bubbles.

    **Waste collection.** Bins should be taken to the collection points at either end of the closed section by 6.30 a.m. on the day of collection. If you are unable to do so for reasons of health or age, call the number below, and the contractor's staff will be happy to help.

    **Costs.** The replacement of the main and of the connections as far as the property boundary is financed from water charges. Owners will not be asked for a contribution. Those who wish to have the pipe on their own property renewed on the same occasion may request a quotation from the contractor until 15 April.

    **Information evening.** Plans will be on display, and the engineers in charge will answer questions, on Thursday 11 April at 7 p.m. in the assembly room of the primary school.

    We are aware that the works will cause inconvenience, and we thank you in advance for your patience.

    The Department of Public Works
    """#,
    #"""
    **Minutes of the Annual General Meeting of the Brackenfold Community Choir**

    Date: Thursday 14 February, 7.30 p.m. to 9.25 p.m.
    Place: Methodist Hall, small room
    Present: 31 members (list of attendance attached)
    Apologies: 6
    Chair: R. Ashdown
    Minutes: P. Lunt

    **1. Welcome and agenda.** The chair welcomed everybody and noted that the meeting had been convened in due time and that, with 31 out of 52 members present, it had a quorum. The agenda was approved after item 6 ("Folders") had been added at the request of the second altos.

    **2. Minutes of the last meeting.** Approved with one correction: the Christmas concert took place on the 15th and not on the 16th of December.

    **3. Reports.**

    *(a) Chair.* The past year saw two concerts, a weekend of rehearsals by the sea, and performances at a wedding and at the opening of the new footbridge, where it rained. Nine members joined and four left. The search for tenors continues.

    *(b) Musical director.* Intonation has improved, particularly in unaccompanied pieces. The director would be grateful if members could learn the first page of a new piece before the second rehearsal rather than the last. For the summer she proposes a programme of songs about travel, in six languages.

    *(c) Treasurer.* Income 7,420, expenditure 6,985, surplus 435. The largest items were the director's fee (3,600), hall hire (1,240) and sheet music (712). The balance as of 31 December was 2,918. The auditors found the accounts to be in good order and recommended that the committee be discharged. This was agreed with three abstentions (the committee members concerned).

    **4. Elections.** The following were elected unanimously for two years: R. Ashdown (chair), M. Okell (treasurer). P. Lunt, who has served as secretary for eleven years, did not stand again and was thanked with prolonged applause and a rhododendron. As there were no candidates, the post remains vacant for the time being; P. Lunt agreed to continue "until Easter and not a day longer".

    **5. Membership fee.** The committee proposed raising the fee from 90 to 102 a year because of the higher hall rent. In the discussion it was pointed out that this might be difficult for some. M. Okell explained that a reduced fee of 50 is available on request, that no reasons have to be given, and that only the treasurer knows who makes use of it. The motion was carried by 24 votes to 4, with 3 abstentions.

    **6. Folders.** The second altos complained that black folders of different sizes look untidy on stage. After a lively exchange of views it was decided to order 60 identical folders (estimated cost: 330). *Action: J. Thirlby, by the end of March.*

    **7. Any other business.**

    - Chairs: please stack no more than eight. The caretaker has asked repeatedly.
    - The tea rota has gaps in May. *Action: everybody.*
    - A recording of the Christmas concert can be borrowed from the chair.

    The next Annual General Meeting will be held in February next year. The meeting closed at 9.25 p.m. with a round sung in three parts.
    """#,
    #"""
    # Weekly sync – Project Kestrel (booking platform)

    **Date:** Tue, week 37, 10:00–10:50 (video call)
    **Attendees:** Noor (product), Teodor (backend), Wanda (frontend), Giles (QA), Priyanka (operations)
    **Absent:** Lorcan (design), on leave until Monday
    **Note-taker:** Giles

    ## TL;DR

    - Release 2.6 moves from Thursday to **next Tuesday** because of the time zone bug.
    - The migration of the payments table was rehearsed on staging: 14 minutes, no errors.
    - We need a decision on the cancellation policy from Noor by Friday noon.

    ## 1. Status

    **Backend.** Teodor has finished the new availability endpoint. Response time at the 95th percentile is down from 840 ms to 210 ms after replacing the nested query with a materialized view. The view is refreshed every two minutes, which means that a room may look free for up to two minutes after it has been booked. The final check still happens inside the transaction, so double bookings are not possible; the worst case is an error message at the last step.

    **Frontend.** Wanda demonstrated the calendar with keyboard navigation. Open point: on small screens the month header overlaps the filter button. She'd prefer to wait for Lorcan rather than guess.

    **QA.** 142 of 150 regression tests pass. Six of the failures have the same cause: bookings that cross the end of daylight saving time are charged for one night too many. The other two are flaky and have been quarantined.

    ## 2. Time zone bug

    Giles explained that nights are calculated by dividing the difference between two timestamps by 24 hours and rounding up. On the weekend when the clocks go back, the difference is 25 hours, and the result is two. Teodor suggested storing check-in and check-out as plain dates in the hotel's local calendar, without a time of day. Everyone agreed that this is the right solution, although it touches eleven files. Priyanka asked whether a quick fix would do for Thursday. After some discussion: no, because the quick fix would have to be migrated again later.

    **Decision:** postpone 2.6 to Tuesday, fix it properly.

    ## 3. Migration rehearsal

    Priyanka ran the migration against a copy of production. It took 14 minutes, plus 3 minutes for the verification queries. Rollback was tested as well (6 minutes). The maintenance window is announced for 04:00 to 05:00, which leaves plenty of room.

    ## 4. Cancellation policy

    Should guests be able to cancel free of charge until 18:00 on the day before arrival, or 48 hours in advance? Hotels in the pilot are divided. Noor will ask the three largest ones and decide.

    ## Action items

    | # | What | Who | Due |
    |---|---|---|---|
    | 1 | Replace timestamps with dates in the booking model | Teodor | Fri |
    | 2 | Add tests for both clock changes and for leap day | Giles | Fri |
    | 3 | Inform support and the pilot hotels about the new date | Noor | today |
    | 4 | Decide on the cancellation deadline | Noor | Fri 12:00 |
    | 5 | Write the runbook for the maintenance window | Priyanka | Mon |
    | 6 | Collect questions for Lorcan in the design channel | Wanda | Mon |

    **Next meeting:** Tuesday, 10:00. Please read the runbook beforehand.
    """#,
  ]
}

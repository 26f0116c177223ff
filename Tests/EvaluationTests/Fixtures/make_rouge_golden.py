#!/usr/bin/env python3
"""Makes rouge.json with Google's rouge-score 0.1.2 and NLTK 3.10.

Use:  python3 -m venv V && V/bin/pip install rouge-score==0.1.2 nltk; V/bin/python make_rouge_golden.py

`stems`: words and their stems by NLTK's Porter stemmer, which take every rule and its exceptions. `pairs`: prediction,
reference, ROUGE-L F with stemming. Words are put together at random from roots and suffixes below.
"""
import json, random
from pathlib import Path

from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer

ROOTS = """relat condition ration valenc hesitanc digit conform radic differ vile analog vietnam predic oper feudal decis hope
callous form sens triplic electr good reviv allow infer airlin gyroscop adjust defens irrit replac depend adopt homolog commun
activ angul effect bowdl prob rat ceas control roll happ sky enjo sp fl tr dy hop tann fall hiss fizz fail fil conflat troubl
siz plaster motor agre fe ponie ti caress cat geo archaeolog theo stud play buzz see tie free bl iz at yy by toy syzyg die lie
skies news inning howe proceed exceed 1990 b2 x86 abc123 oo a e""".split()
SUFFIXES = """ s es ies sses ss ed ied eed ing ingly at bl iz ational tional enci anci izer bli abli alli entli eli ousli
ization ation ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance
ence er ic able ible ant ement ment ent sion tion ion ou ism ate iti ous ive ize e ll y ying ily yed lled tting zz""".split(" ")
SUFFIXES = [suffix.strip() for suffix in SUFFIXES]
SPECIAL = ["sky", "skies", "dying", "lying", "tying", "news", "innings", "outing", "cannings", "howe", "succeed", "ties", "dies",
           "died", "spied", "flies", "feed", "agreed", "bleed", "bled", "ing", "ed", "eed", "ies", "ied", "s", "ss", "ion", "zion",
           "yes", "say", "cry", "by", "oed", "aed", "generically", "fulli", "alli", "alliance", "apology", "geology", "yyy"]


def main():
    random.seed(7)
    words = sorted({root + suffix for root in ROOTS for suffix in random.sample(SUFFIXES, 14)} | set(SPECIAL))
    stemmer = PorterStemmer()
    stems = [[word, stemmer.stem(word)] for word in words]
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True)
    marks = [" ", " ", " ", ", ", ". ", "-", "'s ", "  ", "\n", "_", " — ", " é", " İ", " K"]
    pairs = [["", "a word"], ["a word", ""], ["!?", "..."], ["The same words.", "the SAME words"]]
    for _ in range(300):
        pool = random.sample(words, random.choice([3, 6, 12]))
        text = ["".join(random.choice(pool) + random.choice(marks) for _ in range(random.randrange(0, 14))) for _ in range(2)]
        if random.random() < 0.3:
            text[0] = text[0].title()
        pairs.append(text)
    golden = [[a, b, scorer.score(target=b, prediction=a)["rougeL"].fmeasure] for a, b in pairs]
    path = Path(__file__).parent / "rouge.json"
    path.write_text(json.dumps({"stems": stems, "pairs": golden}, ensure_ascii=False) + "\n", encoding="utf-8")
    print(len(stems), len(golden))


main()

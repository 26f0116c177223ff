/// Porter's stemmer (Porter 1980) with the deviations that NLTK makes by default, in which ROUGE is
/// usually computed.
///
/// m, *v*, *d and *o are the paper's: the number of vowel-consonant pairs, a vowel, a double
/// consonant at the end, consonant-vowel-consonant at the end. What is no letter is a consonant.
package enum PorterStemmer {
  typealias Word = [UInt8]

  /// The stem of a word of small ASCII letters and digits.
  package static func stem(_ word: [UInt8]) -> [UInt8] {
    if let known = irregular[word] { return known }
    guard word.count > 2 else { return word }
    return [plurals, pastAndProgress, lastY, firstSuffixes, secondSuffixes, lastSuffixes, lastE]
      .reduce(word) { $1($0) }
  }

  private static let irregular: [Word: Word] = {
    let forms = [
      "sky": ["sky", "skies"], "die": ["dying"], "lie": ["lying"], "tie": ["tying"],
      "news": ["news"], "inning": ["innings", "inning"], "outing": ["outings", "outing"],
      "canning": ["cannings", "canning"], "howe": ["howe"], "proceed": ["proceed"],
      "exceed": ["exceed"], "succeed": ["succeed"],
    ]
    var words: [Word: Word] = [:]
    for (stem, forms) in forms {
      for form in forms { words[Array(form.utf8)] = Array(stem.utf8) }
    }
    return words
  }()

  /// A suffix, what takes its place, and what must hold of the part before it.
  private typealias Rule = (suffix: String, new: String, holds: (Word) -> Bool)

  /// The first rule whose suffix fits decides, whether it holds or not.
  private static func apply(_ rules: [Rule], to word: Word) -> Word {
    for rule in rules where word.hasSuffix(rule.suffix) {
      let stem = word.dropping(rule.suffix)
      return rule.holds(stem) ? stem + rule.new.utf8 : word
    }
    return word
  }

  /// Step 1a.
  private static func plurals(_ word: Word) -> Word {
    if word.hasSuffix("ies"), word.count == 4 { return word.dropping("s") }
    let always: (Word) -> Bool = { _ in true }
    return apply(
      [("sses", "ss", always), ("ies", "i", always), ("ss", "ss", always), ("s", "", always)],
      to: word)
  }

  /// Step 1b.
  private static func pastAndProgress(_ word: Word) -> Word {
    if word.hasSuffix("ied") { return word.dropping(word.count == 4 ? "d" : "ed") }
    if word.hasSuffix("eed") { return word.dropping("eed").measure > 0 ? word.dropping("d") : word }
    for suffix in ["ed", "ing"] where word.hasSuffix(suffix) {
      let stem = word.dropping(suffix)
      if stem.hasVowel { return mended(stem) }
    }
    return word
  }

  /// A stem that "ed" or "ing" was taken from.
  private static func mended(_ stem: Word) -> Word {
    if ["at", "bl", "iz"].contains(where: stem.hasSuffix) { return stem + "e".utf8 }
    if stem.endsInDoubleConsonant {
      return ["l", "s", "z"].contains(where: stem.hasSuffix) ? stem : Array(stem.dropLast())
    }
    return stem.measure == 1 && stem.endsInShortSyllable ? stem + "e".utf8 : stem
  }

  /// Step 1c.
  private static func lastY(_ word: Word) -> Word {
    apply([("y", "i", { $0.count > 1 && $0.consonants.last == true })], to: word)
  }

  /// Step 2.
  private static func firstSuffixes(_ word: Word) -> Word {
    if word.hasSuffix("alli"), word.dropping("alli").measure > 0 {
      return firstSuffixes(word.dropping("li"))
    }
    let pairs = [
      ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"),
      ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"),
      ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"),
      ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"),
      ("biliti", "ble"), ("fulli", "ful"),
    ]
    let rules: [Rule] =
      pairs.map { ($0.0, $0.1, { $0.measure > 0 }) }
      + [("logi", "log", { ($0 + "l".utf8).measure > 0 })]
    return apply(rules, to: word)
  }

  /// Step 3.
  private static func secondSuffixes(_ word: Word) -> Word {
    let pairs = [
      ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"),
      ("ful", ""), ("ness", ""),
    ]
    return apply(pairs.map { ($0.0, $0.1, { $0.measure > 0 }) }, to: word)
  }

  /// Step 4.
  private static func lastSuffixes(_ word: Word) -> Word {
    let plain: (String) -> Rule = { ($0, "", { $0.measure > 1 }) }
    let ion: Rule = (
      "ion", "", { $0.measure > 1 && ($0.hasSuffix("s") || $0.hasSuffix("t")) }
    )
    let before = [
      "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent",
    ]
    let behind = ["ou", "ism", "ate", "iti", "ous", "ive", "ize"]
    return apply(before.map(plain) + [ion] + behind.map(plain), to: word)
  }

  /// Step 5.
  private static func lastE(_ word: Word) -> Word {
    var word = word
    if word.hasSuffix("e") {
      let stem = word.dropping("e")
      let measure = stem.measure
      if measure > 1 || measure == 1 && !stem.endsInShortSyllable { word = stem }
    }
    return word.hasSuffix("ll") && word.dropping("l").measure > 1 ? word.dropping("l") : word
  }
}

extension [UInt8] {
  fileprivate func hasSuffix(_ suffix: String) -> Bool {
    count >= suffix.utf8.count && self.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }

  fileprivate func dropping(_ suffix: String) -> [UInt8] { Array(dropLast(suffix.utf8.count)) }

  /// Of each letter; a y is one at the beginning and behind a vowel.
  fileprivate var consonants: [Bool] {
    var flags: [Bool] = []
    for byte in self {
      switch Unicode.Scalar(byte) {
      case "a", "e", "i", "o", "u": flags.append(false)
      case "y": flags.append(flags.last != true)
      default: flags.append(true)
      }
    }
    return flags
  }

  /// m
  fileprivate var measure: Int {
    let flags = consonants
    return zip(flags, flags.dropFirst()).count { !$0 && $1 }
  }

  /// *v*
  fileprivate var hasVowel: Bool { consonants.contains(false) }

  /// *d
  fileprivate var endsInDoubleConsonant: Bool {
    count >= 2 && self[count - 1] == self[count - 2] && consonants.last == true
  }

  /// *o, and a vowel with a consonant that are all there is.
  fileprivate var endsInShortSyllable: Bool {
    let flags = consonants
    if count == 2 { return flags == [false, true] }
    return count >= 3 && flags.suffix(3) == [true, false, true]
      && !["w", "x", "y"].contains(where: hasSuffix)
  }
}

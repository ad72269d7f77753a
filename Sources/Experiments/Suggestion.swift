/// Guesses what was meant by a misspelt word.
enum Suggestion {
    /// The candidate that is nearest to `word`, or nil where none is near: at most one edit for words of up to 5 letters, two up to 9, else three.
    ///
    /// Case and the difference between `-` and `_` cost nothing. Of equally near candidates the first wins.
    static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let folded = fold(word)
        guard !folded.isEmpty, folded.count <= 64 else { return nil }
        let allowed = folded.count <= 5 ? 1 : folded.count <= 9 ? 2 : 3
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let other = fold(candidate)
            guard abs(other.count - folded.count) <= allowed else { continue }
            let distance = distance(folded, other)
            // A word of two letters is one edit from every other word that shares a letter with it.
            guard distance <= allowed, distance < max(folded.count, other.count) - 1 || distance == 0 else { continue }
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// `; did you mean 'policy'?`, or nothing.
    static func hint(for word: String, among candidates: some Sequence<String>) -> String {
        nearest(to: word, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
    }

    /// Restricted Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and swaps of neighbours.
    static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforePrevious = [Int](repeating: 0, count: right.count + 1)
        var previous = Array(0...right.count)
        var current = previous
        for i in left.indices {
            current[0] = i + 1
            for j in right.indices {
                var cost = min(previous[j + 1], current[j]) + 1
                cost = min(cost, previous[j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { cost = min(cost, beforePrevious[j - 1] + 1) }
                current[j + 1] = cost
            }
            (beforePrevious, previous, current) = (previous, current, beforePrevious)
        }
        return previous[right.count]
    }

    private static func fold(_ word: String) -> [Unicode.Scalar] {
        word.unicodeScalars.map { scalar in
            if scalar == "-" { return "_" }
            return ("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value + 32)) : scalar
        }
    }
}

import HaggleCore
import Postgres
import Tabular

/// Positions of arms by key, remembered for the lists of eligible arms that keep coming back.
struct ArmPlaces: Sendable {
    private let places: [String: Int]
    private let count: Int
    private let keys: KeyDictionary
    private var lists: [[String]: [Int]?] = [:]
    /// The lists met last, as the database sends them.
    private var recent: [(bytes: [UInt8], positions: [Int]?)] = []

    init(_ arms: [Arm]) {
        places = Dictionary(arms.enumerated().map { ($1.key.rawValue, $0) }) { first, _ in first }
        count = arms.count
        keys = KeyDictionary(closed: arms.map(\.key.rawValue))
    }

    subscript(arm: String) -> Int? { places[arm] }

    /// The positions of a list of arms, in its order; nil where one is unknown.
    mutating func positions(of list: [String]) -> [Int]? {
        if let known = lists[list] { return known }
        let found = list.compactMap { places[$0] }
        let positions = found.count == list.count ? found : nil
        // Eligibility comes from rules, so there are few lists; a client that sends arbitrary ones must not fill the memory.
        if lists.count < 4096 { lists[list] = .some(positions) }
        return positions
    }

    /// The position of an arm whose key lies in `bytes`.
    func position(of bytes: Span<UInt8>, at range: Range<Int>) -> Int? {
        keys.position(ofKnown: bytes, from: range.lowerBound, to: range.upperBound)
    }

    /// The positions of the arms in a `text[]` of a row; nil where one is unknown. Lists that were met a moment ago are known by their bytes.
    mutating func positions(ofArray column: Int, of rows: BinaryCopyRows, in bytes: Span<UInt8>) throws -> [Int]? {
        guard let field = rows.field(column) else { return nil }
        for (index, list) in recent.enumerated() where list.bytes.count == field.count {
            var place = 0
            while place < field.count, list.bytes[place] == bytes[field.lowerBound + place] { place += 1 }
            if place == field.count {
                if index > 0 { recent.swapAt(index, index - 1) }
                return list.positions
            }
        }
        let positions = positions(of: try rows.strings(column, in: bytes) ?? [])
        if recent.count == 16 { recent.removeLast() }
        recent.append((field.map { bytes[$0] }, positions))
        return positions
    }

    /// `eligible` as `Interaction` wants it: ascending, nil for all.
    func eligible(_ positions: [Int]) -> [Int]? { positions.count == count ? nil : positions.sorted() }

    /// Probabilities of listed arms as a vector over all arms.
    func vector(_ probabilities: [Double], at positions: [Int]) -> [Double] {
        var vector = [Double](repeating: 0, count: count)
        for (probability, position) in zip(probabilities, positions) { vector[position] = probability }
        return vector
    }
}

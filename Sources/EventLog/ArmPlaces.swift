import HaggleCore

/// Positions of arms by key, remembered for the lists of eligible arms that keep coming back.
struct ArmPlaces: Sendable {
    private let places: [String: Int]
    private let count: Int
    private var lists: [[String]: [Int]?] = [:]

    init(_ arms: [Arm]) {
        places = Dictionary(arms.enumerated().map { ($1.key.rawValue, $0) }) { first, _ in first }
        count = arms.count
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

    /// `eligible` as `Interaction` wants it: ascending, nil for all.
    func eligible(_ positions: [Int]) -> [Int]? { positions.count == count ? nil : positions.sorted() }

    /// Probabilities of listed arms as a vector over all arms.
    func vector(_ probabilities: [Double], at positions: [Int]) -> [Double] {
        var vector = [Double](repeating: 0, count: count)
        for (probability, position) in zip(probabilities, positions) { vector[position] = probability }
        return vector
    }
}

import HaggleCore
import Tabular

/// A dsjson file, looked through once: what the passes over it need to know.
///
/// Where the log was downsampled (`pdrop`), an event that was kept with probability `1 - pdrop` stands for `1 / (1 - pdrop)` events. All events
/// must stand for equally many, as there are no weights further on. So where `pdrop` differs from event to event, those that were kept more
/// readily than the rarest are thinned to its rate, by a hash of their id: each is kept with probability `(1 - greatest) / (1 - pdrop)`. What
/// remains is a uniform sample of all events, whatever they were. One rate for the whole log, the usual case, loses nothing.
struct DSJSONLog: Sendable {
    let path: String
    let state: FileState?
    /// Keys of all actions of all decisions.
    let arms: Set<String>
    /// Decisions that count.
    let count: Int
    let excluded: [String: Int]
    let greatestDropProbability: Double

    /// Reads the whole file.
    /// - Throws: `TabularError`, `EventLogError`: the first thing that is wrong with it, with its place.
    init(path: String) throws {
        self.path = path
        var reader = try NDJSONReader(path: path)
        state = reader.state
        var arms: Set<String> = []
        var count = 0
        var excluded: [String: Int] = [:]
        var rates: [Double: Int] = [:]
        while var json = try reader.next() {
            let event = try DSJSONEvent(reading: &json, place: reader.place)
            arms.formUnion(event.arms)
            switch event.verdict {
            case .counts:
                count += 1
                rates[event.dropProbability, default: 0] += 1
            case .excluded(let reason): excluded[reason, default: 0] += 1
            }
        }
        self.arms = arms
        greatestDropProbability = rates.keys.max() ?? 0
        if rates.count > 1 {
            // Which of them go is known only now that the greatest is.
            var thinned = 0
            var pass = try Pass(path: path, state: state, greatest: greatestDropProbability)
            while try pass.next() != nil { thinned += 1 }
            excluded[DSJSONEvent.downsampled] = count - thinned
            count = thinned
        }
        self.count = count
        self.excluded = excluded
    }

    func pass() throws -> Pass { try Pass(path: path, state: state, greatest: greatestDropProbability) }

    /// One pass over the decisions that count.
    struct Pass: ~Copyable {
        private var reader: NDJSONReader
        private let greatest: Double

        fileprivate init(path: String, state: FileState?, greatest: Double) throws {
            let opened = try NDJSONReader(path: path)
            guard opened.state == state else { throw TabularError.changed(file: path) }
            reader = opened
            self.greatest = greatest
        }

        mutating func next() throws -> DSJSONEvent? {
            while var json = try reader.next() {
                let event = try DSJSONEvent(reading: &json, place: reader.place)
                if event.verdict == .counts, isKept(event) { return event }
            }
            return nil
        }

        private func isKept(_ event: DSJSONEvent) -> Bool {
            guard event.dropProbability < greatest else { return true }
            let name = "thin:" + (event.id ?? String(event.place.line))
            let uniform = Double(FileDigest(bytes: Array(name.utf8)).high >> 11) * 0x1p-53
            return uniform < (1 - greatest) / (1 - event.dropProbability)
        }
    }
}

package import HaggleCore
package import Tabular

/// Interactions from a CSV file: one row an impression, in the order of the file.
///
/// Opening reads the file once, to find its arms and what its context columns hold; each pass reads it again, a row at a time.
package struct CSVInteractionSource: InteractionSource {
    /// Which columns hold what. A nil column is not read.
    package struct Columns: Hashable, Sendable {
        package var arm: String
        /// Nil for a log without propensities: interactions then have none, and whoever evaluates them has to estimate them.
        package var propensity: String?
        package var reward: String
        package var unit: String?
        package var time: String?
        /// Arm keys joined by `|`; empty means all.
        package var eligible: String?
        package var context: [String]

        package init(
            arm: String = "arm", propensity: String? = "propensity", reward: String = "reward", unit: String? = nil, time: String? = nil,
            eligible: String? = nil, context: [String] = []
        ) {
            self.arm = arm
            self.propensity = propensity
            self.reward = reward
            self.unit = unit
            self.time = time
            self.eligible = eligible
            self.context = context
        }
    }

    package let path: String
    package let columns: Columns
    package let arms: [Arm]
    /// Interactions of a pass.
    package let rowCount: Int
    /// Rows that `only` leaves out.
    let skippedCount: Int
    private let readings: [FeatureReading]
    private let moments: FeatureSchema
    private let state: FileState?
    /// A column and the text that it must hold.
    private let only: (column: String, value: String)?

    /// - Parameters:
    ///   - arms: the arms and their order, as from the header of a target file; by default those of the file in the order of their names.
    ///   - schema: how context columns are read; columns it does not name are read as what they look like. Time features that it names and
    ///     the file lacks come from the rows' times.
    /// - Throws: `TabularError`, `EventLogError`: the first thing that is wrong with the file, with its place.
    package init(path: String, columns: Columns = Columns(), arms: [Arm]? = nil, schema: FeatureSchema = FeatureSchema()) throws {
        try self.init(path: path, columns: columns, arms: arms, schema: schema, only: nil)
    }

    /// - Parameter only: a column and the text it must hold; other rows are left out.
    init(path: String, columns: Columns, arms: [Arm]?, schema: FeatureSchema, only: (column: String, value: String)?) throws {
        self.path = path
        self.columns = columns
        self.only = only
        moments = schema.timeFeatures()
        var reader = try CSVReader(path: path)
        state = reader.state
        let filter = try only.map { (column: try reader.index(of: $0.column), value: $0.value) }
        let places = try Places(columns, in: reader)
        var found: Set<String> = []
        var profiles = [ColumnProfile](repeating: ColumnProfile(), count: columns.context.count)
        var rowCount = 0
        var skippedCount = 0
        while let row = try reader.next() {
            if let filter, row.string(at: filter.column) != filter.value {
                skippedCount += 1
                continue
            }
            rowCount += 1
            found.insert(row.string(at: places.arm))
            if let eligible = places.eligible, !row.isEmpty(at: eligible) { found.formUnion(places.list(row.string(at: eligible))) }
            for (index, column) in places.context.enumerated() { profiles[index].see(column, of: row) }
        }
        self.rowCount = rowCount
        self.skippedCount = skippedCount
        self.arms = arms ?? InferredExperiment.sorted(found).map { Arm(key: ArmKey($0)) }
        readings = zip(columns.context, profiles).map { name, profile in
            schema[name].map { FeatureReading($0.kind) } ?? profile.reading
        }
        // A whole pass, so that a bad row is reported before any work is done on the good ones.
        let check = try Reader(self)
        while try check.next() != nil {}
    }

    package func interactions() -> Interactions { Interactions(source: self) }

    package struct Interactions: AsyncSequence, Sendable {
        package typealias Element = Interaction

        fileprivate let source: CSVInteractionSource

        package func makeAsyncIterator() -> Iterator { Iterator(source: source) }

        package struct Iterator: AsyncIteratorProtocol {
            fileprivate let source: CSVInteractionSource
            private var reader: Reader?

            fileprivate init(source: CSVInteractionSource) { self.source = source }

            package mutating func next() async throws -> Interaction? { try await next(isolation: nil) }

            /// On the caller's executor: without this, each row of a loop on an actor would cost two switches of threads.
            package mutating func next(isolation actor: isolated (any Actor)?) async throws -> Interaction? {
                if reader == nil { reader = try Reader(source) }
                return try reader?.next()
            }
        }
    }

    private struct Places {
        let arm: Int
        let propensity: Int?
        let reward: Int
        let unit: Int?
        let time: Int?
        let eligible: Int?
        let context: [Int]

        init(_ columns: Columns, in reader: borrowing CSVReader) throws {
            arm = try reader.index(of: columns.arm)
            if let name = columns.propensity { propensity = try reader.index(of: name) } else { propensity = nil }
            reward = try reader.index(of: columns.reward)
            if let name = columns.unit { unit = try reader.index(of: name) } else { unit = nil }
            if let name = columns.time { time = try reader.index(of: name) } else { time = nil }
            if let name = columns.eligible { eligible = try reader.index(of: name) } else { eligible = nil }
            var places: [Int] = []
            for name in columns.context { places.append(try reader.index(of: name)) }
            context = places
        }

        func list(_ text: String) -> [String] { text.split(separator: "|").map { String($0.filter { $0 != " " }) } }
    }

    /// One pass over the file. A class, because an iterator is copied and a file's position is not.
    private final class Reader {
        private let source: CSVInteractionSource
        private var reader: CSVReader
        private let places: Places
        private var arms: ArmPlaces
        private let filter: (column: Int, value: String)?

        init(_ source: CSVInteractionSource) throws {
            self.source = source
            reader = try CSVReader(path: source.path)
            guard reader.state == source.state else { throw TabularError.changed(file: source.path) }
            if let only = source.only { filter = (try reader.index(of: only.column), only.value) } else { filter = nil }
            places = try Places(source.columns, in: reader)
            arms = ArmPlaces(source.arms)
        }

        func next() throws -> Interaction? {
            while let row = try reader.next() {
                if let filter, row.string(at: filter.column) != filter.value { continue }
                return try interaction(row)
            }
            return nil
        }

        private func interaction(_ row: CSVRow) throws -> Interaction {
            var propensity: Double?
            if let column = places.propensity {
                let value = try reader.number(at: column, in: row)
                guard Propensity(value) != nil else {
                    throw EventLogError.propensityOutOfRange(reader.place(of: column, in: row), found: value)
                }
                propensity = value
            }
            let key = row.string(at: places.arm)
            guard let arm = arms[key] else { throw unknownArm(key, at: places.arm, in: row) }
            var eligible: [Int]?
            if let column = places.eligible, !row.isEmpty(at: column) {
                let list = places.list(row.string(at: column))
                guard let positions = arms.positions(of: list) else {
                    throw unknownArm(list.first { arms[$0] == nil } ?? "", at: column, in: row)
                }
                guard positions.contains(arm) else {
                    throw EventLogError.armNotEligible(reader.place(of: column, in: row), arm: ArmKey(key))
                }
                eligible = arms.eligible(positions)
            }
            let time = try time(of: row)
            var context = try context(of: row)
            if let time { TimeFeatures.add(to: &context, at: time, for: source.moments) }
            return Interaction(
                unit: places.unit.map { UnitID(row.string(at: $0)) }, time: time, context: context,
                eligible: eligible, arm: arm, propensity: propensity, reward: try reader.number(at: places.reward, in: row))
        }

        private func time(of row: CSVRow) throws -> Timestamp? {
            guard let column = places.time else { return nil }
            return try reader.time(at: column, in: row)
        }

        private func context(of row: CSVRow) throws -> Context {
            var context = Context()
            for (index, column) in places.context.enumerated() {
                context[source.columns.context[index]] = try source.readings[index].value(at: column, in: row, of: reader)
            }
            return context
        }

        private func unknownArm(_ found: String, at column: Int, in row: CSVRow) -> EventLogError {
            .unknownArm(reader.place(of: column, in: row), found: found, known: source.arms.map(\.key))
        }
    }
}

extension CSVReader {
    /// A time: ISO 8601, or seconds since 1970 (milliseconds where the number is too large for seconds).
    package func time(at column: Int, in row: CSVRow) throws -> Timestamp {
        if let time = Timestamp(row.string(at: column)) { return time }
        // 1e11 seconds lie in the year 5138; 1e11 milliseconds in 1973.
        if let number = row.double(at: column), abs(number) < 1e14 {
            return Timestamp(seconds: abs(number) < 1e11 ? number : number / 1000)
        }
        throw TabularError.badValue(
            place(of: column, in: row), expected: "a time such as 2026-11-01T00:00:00Z or seconds since 1970", found: row.string(at: column)
        )
    }
}

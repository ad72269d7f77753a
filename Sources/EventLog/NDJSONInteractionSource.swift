package import HaggleCore
import Tabular

/// Interactions from a file of Haggle's own export as NDJSON: its rows with reason POLICY, in the order of the file.
///
/// Opening reads the whole file once, to find its arms and anything that is wrong; each pass reads it again, a row at a time. The reward is
/// the row's `reward`.
package struct NDJSONInteractionSource: InteractionSource {
    package let path: String
    package let arms: [Arm]
    /// Interactions of the file.
    package let rowCount: Int
    /// Rows that are left out, by reason.
    package let excluded: [String: Int]
    private let state: FileState?
    private let moments: FeatureSchema

    /// - Parameters:
    ///   - arms: the arms and their order; by default those of the file in the order of their names.
    ///   - schema: the time features that it names and a row lacks come from the row's time.
    package init(path: String, arms: [Arm]? = nil, schema: FeatureSchema = FeatureSchema()) throws {
        self.path = path
        moments = schema.timeFeatures()
        var reader = try NDJSONReader(path: path)
        state = reader.state
        var found: Set<String> = []
        var excluded: [String: Int] = [:]
        var count = 0
        while var json = try reader.next() {
            let row = try NDJSONImport.row(&json, place: reader.place)
            found.insert(row.arm.rawValue)
            for arm in row.eligibleArms ?? [] { found.insert(arm.rawValue) }
            if row.reason == .policy { count += 1 } else { excluded[row.reason.rawValue, default: 0] += 1 }
        }
        self.arms = arms ?? InferredExperiment.sorted(found).map { Arm(key: ArmKey($0)) }
        self.excluded = excluded
        rowCount = count
        let check = try Reader(self)
        while try check.next() != nil {}
    }

    package func interactions() -> Interactions { Interactions(source: self) }

    package struct Interactions: AsyncSequence, Sendable {
        package typealias Element = Interaction

        fileprivate let source: NDJSONInteractionSource

        package func makeAsyncIterator() -> Iterator { Iterator(source: source) }

        package struct Iterator: AsyncIteratorProtocol {
            fileprivate let source: NDJSONInteractionSource
            private var reader: Reader?

            fileprivate init(source: NDJSONInteractionSource) { self.source = source }

            package mutating func next() async throws -> Interaction? { try await next(isolation: nil) }

            /// On the caller's executor: without this, each row of a loop on an actor would cost two switches of threads.
            package mutating func next(isolation actor: isolated (any Actor)?) async throws -> Interaction? {
                if reader == nil { reader = try Reader(source) }
                return try reader?.next()
            }
        }
    }

    /// One pass over the file.
    private final class Reader {
        private let source: NDJSONInteractionSource
        private var reader: NDJSONReader
        private var arms: ArmPlaces

        init(_ source: NDJSONInteractionSource) throws {
            self.source = source
            reader = try NDJSONReader(path: source.path)
            guard reader.state == source.state else { throw TabularError.changed(file: source.path) }
            arms = ArmPlaces(source.arms)
        }

        func next() throws -> Interaction? {
            while var json = try reader.next() {
                let row = try NDJSONImport.row(&json, place: reader.place)
                if row.reason == .policy { return try interaction(row) }
            }
            return nil
        }

        private func interaction(_ row: ImportedRow) throws -> Interaction {
            guard let arm = arms[row.arm.rawValue] else { throw unknown(row.arm.rawValue, row) }
            let list = row.eligibleArms?.map(\.rawValue)
            var positions: [Int]?
            if let list {
                positions = arms.positions(of: list)
                if positions == nil { throw unknown(list.first { arms[$0] == nil } ?? "", row) }
                if positions?.contains(arm) == false { throw EventLogError.armNotEligible(row.place, arm: row.arm) }
            }
            if let propensity = row.propensity, Propensity(propensity) == nil {
                throw EventLogError.propensityOutOfRange(row.place, found: propensity)
            }
            guard let reward = row.statedReward else { throw TabularError.badJSON(row.place, expected: "a field `reward`", offset: 0) }
            var context = row.context
            if let time = row.time { TimeFeatures.add(to: &context, at: time, for: source.moments) }
            return Interaction(
                impressionID: row.id, unit: row.unit, time: row.time, context: context,
                eligible: positions.flatMap { arms.eligible($0) },
                arm: arm, propensity: row.propensity,
                propensities: row.propensities.flatMap { values in positions.map { arms.vector(values, at: $0) } }, reward: reward,
                snapshot: row.snapshot)
        }

        private func unknown(_ arm: String, _ row: ImportedRow) -> EventLogError {
            .unknownArm(row.place, found: arm, known: source.arms.map(\.key))
        }
    }
}

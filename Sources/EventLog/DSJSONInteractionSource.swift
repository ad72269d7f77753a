package import HaggleCore
import Tabular

/// Interactions from a log in Vowpal Wabbit's dsjson, as Azure Personalizer kept it: decisions that were activated and not skipped, in the order
/// of the file. The article FileFormats tells what each field becomes.
///
/// Opening reads the whole file once, to find its arms and anything that is wrong; each pass reads it again, a line at a time.
package struct DSJSONInteractionSource: InteractionSource {
    package let path: String
    package let arms: [Arm]
    /// Interactions of a pass.
    package let rowCount: Int
    /// Lines that are left out, by reason: `NOT_ACTIVATED`, `SKIPPED`, `DOWNSAMPLED`, `DANGLING_REWARD`, `DANGLING_ACTIVATION`.
    package let excluded: [String: Int]
    private let log: DSJSONLog
    private let moments: FeatureSchema

    /// - Parameters:
    ///   - arms: the arms and their order; by default those of the file in the order of their names.
    ///   - schema: the time features that it names and a line lacks come from the line's time.
    /// - Throws: `TabularError`, `EventLogError`: the first thing that is wrong with the file, with its place.
    package init(path: String, arms: [Arm]? = nil, schema: FeatureSchema = FeatureSchema()) throws {
        self.path = path
        moments = schema.timeFeatures()
        log = try DSJSONLog(path: path)
        self.arms = arms ?? InferredExperiment.sorted(log.arms).map { Arm(key: ArmKey($0)) }
        rowCount = log.count
        excluded = log.excluded
        if arms != nil {
            let check = try Reader(self)
            while try check.next() != nil {}
        }
    }

    package func interactions() -> Interactions { Interactions(source: self) }

    package struct Interactions: AsyncSequence, Sendable {
        package typealias Element = Interaction

        fileprivate let source: DSJSONInteractionSource

        package func makeAsyncIterator() -> Iterator { Iterator(source: source) }

        package struct Iterator: AsyncIteratorProtocol {
            fileprivate let source: DSJSONInteractionSource
            private var reader: Reader?

            fileprivate init(source: DSJSONInteractionSource) { self.source = source }

            package mutating func next() async throws -> Interaction? { try await next(isolation: nil) }

            /// On the caller's executor: without this, each row of a loop on an actor would cost two switches of threads.
            package mutating func next(isolation actor: isolated (any Actor)?) async throws -> Interaction? {
                if reader == nil { reader = try Reader(source) }
                return try reader?.next()
            }
        }
    }

    /// One pass over the file. A class, because an iterator is copied and a file's position is not.
    private final class Reader {
        private let source: DSJSONInteractionSource
        private var pass: DSJSONLog.Pass
        private var arms: ArmPlaces

        init(_ source: DSJSONInteractionSource) throws {
            self.source = source
            pass = try source.log.pass()
            arms = ArmPlaces(source.arms)
        }

        func next() throws -> Interaction? {
            guard let event = try pass.next() else { return nil }
            guard let positions = arms.positions(of: event.arms) else {
                throw EventLogError.unknownArm(
                    event.place, found: event.arms.first { arms[$0] == nil } ?? "", known: source.arms.map(\.key))
            }
            var context = event.context
            if let time = event.time { TimeFeatures.add(to: &context, at: time, for: source.moments) }
            return Interaction(
                impressionID: event.impressionID, time: event.time, context: context, eligible: arms.eligible(positions),
                arm: positions[event.chosen], propensity: event.propensity,
                propensities: event.probabilities.map { arms.vector($0, at: positions) }, reward: event.reward)
        }
    }
}

extension DSJSONEvent {
    /// The event's id where it is one of ours (a UUID of version 7, as `haggle export` writes); nil for anybody else's.
    var impressionID: ImpressionID? { id.flatMap { ImpressionID($0) }.flatMap { $0.high >> 12 & 15 == 7 ? $0 : nil } }
}

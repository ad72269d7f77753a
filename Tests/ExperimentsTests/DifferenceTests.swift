import Foundation
import HaggleCore
import Testing

@testable import Experiments

/// An edit of a good file, the path of the change it makes, and how bad that is.
struct Edit: Sendable, CustomTestStringConvertible {
    var base: String
    var from: String
    var to: String
    var path: String
    var severity: ExperimentDifference.Severity

    init(_ base: String, _ from: String, _ to: String, _ path: String, _ severity: ExperimentDifference.Severity) {
        self.base = base
        self.from = from
        self.to = to
        self.path = path
        self.severity = severity
    }

    var testDescription: String { "\(base): \(from) -> \(to)" }
}

struct DifferenceTests {
    private static let bandit = """
        experiment: test
        type: bandit
        traffic: 0.5
        holdout: 0.1
        currency: EUR
        arms:
          - {key: none, discount: 0, control: true}
          - {key: five, discount: 0.05}
          - {key: ten, discount: 0.1, payload: {banner: x}}
        context:
          channel: {type: category, values: [web, app]}
          age: {type: number}
        reward:
          metric: margin
          margin_rate: 0.35
          window: 7d
        policy:
          algorithm: neural-thompson
          floor: 0.01

        """
    private static let ab = """
        experiment: test
        type: ab
        traffic: 0.5
        arms:
          - {key: none, control: true, weight: 0.5}
          - {key: five, weight: 0.25}
          - {key: ten, weight: 0.25}
        reward: {metric: revenue, window: 7d}

        """

    private static func difference(_ edit: Edit) throws -> ExperimentDifference {
        let base = edit.base == "ab" ? ab : bandit
        try #require(base.contains(edit.from))
        return try ExperimentDifference(
            GoodFile.experiment(base), GoodFile.experiment(base.replacing(edit.from, with: edit.to, maxReplacements: 1)))
    }

    static let edits: [Edit] = [
        .init("bandit", "type: bandit", "type: bandit\nowner: me", "owner", .harmless),
        .init("bandit", "type: bandit", "type: bandit\ndescription: Why?", "description", .harmless),
        .init("bandit", "type: bandit", "type: bandit\nstatus: paused", "status", .harmless),
        .init("bandit", "type: bandit", "type: bandit\nstart: 2026-01-01", "start", .harmless),
        .init("bandit", "type: bandit", "type: bandit\nend: 2026-01-01", "end", .harmless),
        .init("bandit", "type: bandit", "type: bandit\nunit: customer", "unit", .harmless),
        .init("bandit", "type: bandit", "type: bandit\ndisclosure: Automated.", "disclosure", .harmless),
        .init("bandit", "type: bandit", "type: bandit\ngate: prove", "gate", .harmless),
        .init("bandit", "type: bandit", "type: bandit\nactivation: {expire: 1h}", "activation", .harmless),
        .init("bandit", "type: bandit", "type: bandit\nvalue_type: boolean", "value_type", .harmless),
        .init("bandit", "type: bandit", "type: bandit\ntargeting: {channel: web}", "targeting", .harmless),
        .init("bandit", "traffic: 0.5", "traffic: 0.8", "traffic", .harmless),
        .init("bandit", "traffic: 0.5", "traffic: 0.2", "traffic", .harmless),
        .init("ab", "traffic: 0.5", "traffic: 0.8", "traffic", .harmless),
        .init("ab", "traffic: 0.5", "traffic: 0.2", "traffic", .rerandomisesUnits),
        .init("bandit", "holdout: 0.1", "holdout: 0.2", "holdout", .rerandomisesUnits),
        .init("bandit", "holdout: 0.1", "holdout: 0.05", "holdout", .rerandomisesUnits),
        .init("bandit", "type: bandit", "type: bandit\nsalt: pepper", "salt", .rerandomisesUnits),
        .init("bandit", "type: bandit", "type: bandit\nnamespace: n\nslot: [0, 1]", "slot", .rerandomisesUnits),
        .init("bandit", "currency: EUR", "currency: USD", "currency", .breaksLearnedState),
        .init("bandit", "discount: 0.05}", "discount: 0.07}", "arms.five.discount", .breaksLearnedState),
        .init("bandit", "payload: {banner: x}", "payload: {banner: y}", "arms.ten.payload", .harmless),
        .init("bandit", "  - {key: five, discount: 0.05}\n", "", "arms.five", .breaksLearnedState),
        .init("bandit", "  - {key: ten", "  - {key: seven, discount: 0.07}\n  - {key: ten", "arms.seven", .harmless),
        .init("ab", "weight: 0.25}\n  - {key: ten, weight: 0.25}", "weight: 0.5}", "arms.ten", .rerandomisesUnits),
        .init(
            "ab", "weight: 0.25}\n  - {key: ten, weight: 0.25}", "weight: 0.2}\n  - {key: ten, weight: 0.3}", "arms.ten.weight",
            .rerandomisesUnits),
        .init("ab", "key: five, weight: 0.25}\n  - {key: ten,", "key: ten, weight: 0.25}\n  - {key: five,", "arms", .rerandomisesUnits),
        .init(
            "bandit", "  - {key: none, discount: 0, control: true}\n  - {key: five, discount: 0.05}",
            "  - {key: five, discount: 0.05}\n  - {key: none, discount: 0, control: true}", "arms", .harmless),
        .init(
            "bandit", "discount: 0, control: true}\n  - {key: five,", "discount: 0}\n  - {key: five, control: true,", "arms.five.control",
            .rerandomisesUnits),
        .init("bandit", "  age: {type: number}\n", "", "context.age", .harmless),
        .init("bandit", "  age:", "  size: {type: number}\n  age:", "context.size", .harmless),
        .init("bandit", "age: {type: number}", "age: {type: boolean}", "context.age", .breaksLearnedState),
        .init("bandit", "age: {type: number}", "age: {type: number, clip: p99}", "context.age", .harmless),
        .init("bandit", "values: [web, app]", "values: [web, app, store]", "context.channel", .harmless),
        .init("bandit", "values: [web, app]", "hash: 8", "context.channel", .breaksLearnedState),
        .init("bandit", "metric: margin\n", "metric: revenue\n", "reward.metric", .breaksLearnedState),
        .init("bandit", "margin_rate: 0.35", "margin_rate: 0.4", "reward.margin_rate", .breaksLearnedState),
        .init("bandit", "window: 7d", "window: 14d", "reward.window", .breaksLearnedState),
        .init("bandit", "window: 7d", "window: 7d\n  default: 1", "reward.default", .breaksLearnedState),
        .init("bandit", "window: 7d", "window: 7d\n  range: [0, 9]", "reward.range", .harmless),
        .init("bandit", "neural-thompson", "neural-ucb", "policy.algorithm", .harmless),
        .init("bandit", "neural-thompson", "linear-thompson", "policy.algorithm", .breaksLearnedState),
        .init("bandit", "neural-thompson", "uniform", "policy.algorithm", .breaksLearnedState),
        .init("bandit", "floor: 0.01", "floor: 0.02", "policy.floor", .harmless),
        .init("bandit", "floor: 0.01", "ridge: 2\n  floor: 0.01", "policy.ridge", .harmless),
        .init("bandit", "floor: 0.01", "variance: 2\n  floor: 0.01", "policy.variance", .harmless),
        .init("bandit", "floor: 0.01", "publish: 2m\n  floor: 0.01", "policy.publish", .harmless),
        .init("bandit", "floor: 0.01", "seed: 2\n  floor: 0.01", "policy.seed", .harmless),
        .init("bandit", "floor: 0.01", "model: {hidden: [8]}\n  floor: 0.01", "policy.model", .harmless),
        .init("bandit", "floor: 0.01", "retrain: {every: 2h}\n  floor: 0.01", "policy.retrain", .harmless),
    ]

    @Test(arguments: edits) func changeIsNamedAndWeighed(_ edit: Edit) throws {
        let difference = try Self.difference(edit)
        let change = try #require(difference.changes.first { $0.path == edit.path }, "\(difference.changes.map(\.description))")
        #expect(change.severity == edit.severity)
        #expect(change.from != change.to)
        #expect(difference.needsConfirmation == (difference.severity != .harmless))
        // Everything that hurts says why.
        #expect(difference.changes.allSatisfy { $0.severity == .harmless || !$0.consequence.isEmpty })
    }

    /// An edit changes what it edits and nothing else, except where one thing follows from another.
    @Test(arguments: edits.filter { !["arms.five.control", "arms.ten.weight", "arms.ten"].contains($0.path) })
    func nothingElseIsNamed(_ edit: Edit) throws {
        let paths = try Self.difference(edit).changes.map(\.path).filter { !($0 == "policy.model" && edit.path == "policy.algorithm") }
        #expect(paths == [edit.path])
    }

    @Test func commentsAndSpellingAreNoChange() throws {
        let respelt =
            "# a comment\n"
            + Self.bandit.replacing("0.05}", with: "5e-2}").replacing("window: 7d", with: "window: 168h")
            .replacing("{type: number}", with: "{type: number, missing: mean}")
        #expect(try ExperimentDifference(GoodFile.experiment(Self.bandit), GoodFile.experiment(respelt)).isEmpty)
    }

    @Test func bothKindsOfExperimentAreFarApart() throws {
        let difference = try ExperimentDifference(GoodFile.experiment(Self.bandit), GoodFile.experiment(Self.ab))
        #expect(difference.severity == .breaksLearnedState)
        #expect(difference.changes.contains { $0.path == "type" })
    }

    @Test func planSaysWhatApplyWouldDo() throws {
        let bandit = try GoodFile.experiment(Self.bandit)
        var harmless = bandit
        harmless.traffic = 1
        harmless.policy?.floor = 0.02
        var other = bandit
        other.key = "other"
        var harmful = other
        harmful.reward.windowSeconds = 14 * 86_400
        var gone = bandit
        gone.key = "gone"
        var new = bandit
        new.key = "new"
        let plan = ExperimentPlan(files: [new, harmless, harmful], applied: [gone, bandit, other])
        #expect(
            plan.lines == [
                "+ new: new experiment", "~ test: 2 changes", "      traffic: 0.5 -> 1 (more units take part, none changes its arm)",
                "      policy.floor: 0.01 -> 0.02", "! other: 1 change",
                "    ! reward.window: 7d -> 14d (breaks the learned state: rewards of the old rule and of the new one would be added up)",
                "? gone: applied, but no file names it; it goes on (write status: stopped to end it)",
            ])
        #expect(plan.needsConfirmation)
        #expect(!plan.isEmpty)
        #expect(plan.steps.map(\.needsConfirmation) == [false, false, true, false])
        #expect(ExperimentPlan(files: [bandit], applied: [bandit, gone]).isEmpty)
        #expect(ExperimentPlan(files: [bandit], applied: [bandit]).lines == ["= test: unchanged"])
    }

    @Test func planHasAFormForMachines() throws {
        let old = try GoodFile.experiment(Self.bandit)
        var new = old
        new.holdout = 0.2
        new.owner = "me"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(ExperimentPlan(files: [new], applied: [old])), as: UTF8.self)
        #expect(
            text == #"{"steps":[{"action":"change","changes":["#
                + #"{"consequence":"","path":"owner","severity":"harmless","to":"me"},"#
                + #"{"consequence":"units that had the policy join the holdout, which must never have had it","from":"0.1","path":"holdout","#
                + #""severity":"rerandomises_units","to":"0.2"}],"experiment":"test","needs_confirmation":true}]}"#)
    }

    @Test func anotherKeyIsAnotherExperiment() throws {
        let bandit = try GoodFile.experiment(Self.bandit)
        var other = bandit
        other.key = "other"
        #expect(ExperimentDifference(bandit, other).changes.map(\.path) == ["experiment"])
        #expect(ExperimentDifference(bandit, other).needsConfirmation)
    }
}

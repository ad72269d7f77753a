import HaggleCore
import Testing

@testable import Experiments

struct DefaultTests {
    @Test func leastBanditHasTheDocumentedDefaults() throws {
        let experiment = try GoodFile.experiment(GoodFile.bandit)
        let expected = Experiment(
            key: "test", kind: .bandit,
            arms: [Arm(key: "none", discount: 0, isControl: true), Arm(key: "ten", discount: 0.1)],
            context: FeatureSchema(features: TimeFeatures.features),
            reward: RewardConfiguration(metric: .margin, marginRate: 0.35, windowSeconds: 7 * 86_400),
            policy: PolicyConfiguration(algorithm: .linearThompson, model: .init(kind: .linear)))
        #expect(experiment == expected)
        #expect(experiment.salt == "test")
        #expect(experiment.status == .running)
        #expect(experiment.traffic == 1)
        #expect(experiment.holdout == 0)
        #expect(experiment.unitName == "unit")
        #expect(experiment.gate == .veto)
    }

    @Test(arguments: [("veto", Experiment.Gate.veto), ("prove", .prove), ("off", .off)]) func gateIsRead(
        _ word: String, _ gate: Experiment.Gate
    ) throws {
        #expect(try GoodFile.experiment(GoodFile.bandit + "gate: \(word)\n").gate == gate)
    }

    @Test(arguments: PolicyConfiguration.Algorithm.serving) func modelFollowsFromTheAlgorithm(_ algorithm: PolicyConfiguration.Algorithm)
        throws
    {
        var text = GoodFile.bandit.replacing("linear-thompson", with: algorithm.rawValue)
        if algorithm == .bernoulliThompson { text = text.replacing("metric: margin", with: "metric: conversion") }
        let policy = try #require(GoodFile.experiment(text).policy)
        let isNeural = [.neuralThompson, .neuralUCB, .auto].contains(algorithm)
        #expect(policy.algorithm == algorithm)
        #expect(policy.model == (isNeural ? .init() : .init(kind: .linear)))
    }

    /// A list of values is a grid, whose first values stand in the experiment; what runs refuses it.
    @Test func listsOfValuesAreAGrid() throws {
        let text = GoodFile.bandit.replacing(
            "linear-thompson",
            with: "neural-ucb\n  model: {kind: [mlp, linear], hidden: [[8], [16, 4]], learning_rate: [0.1, 0.2], batch: 7, dropout: [0.1]}")
        let parsed = ExperimentFile.parse(text: text, file: "f.yaml", allowingGrid: true)
        #expect(parsed.problems.isEmpty)
        #expect(
            parsed.grid == [
                GridAxis(name: "kind", values: [.kind(.mlp), .kind(.linear)]),
                GridAxis(name: "hidden", values: [.hidden([8]), .hidden([16, 4])]),
                GridAxis(name: "learning_rate", values: [.learningRate(0.1), .learningRate(0.2)]),
            ])
        #expect(parsed.experiment?.policy?.model == .init(hidden: [8], learningRate: 0.1, batch: 7, dropout: 0.1))
        #expect(ExperimentFile.parse(text: text, file: "f.yaml").experiment == nil)
    }

    @Test func everyKeyOfLearningIsRead() throws {
        let text =
            GoodFile.bandit(
                with: "context:\n  h: {type: sequence, of: {days_ago: number, item: {hash: 9}}, length: 5}\n  c: {type: cycle, period: 12}"
            )
            .replacing("window: 7d", with: "window: 7d\n  learn: early")
            .replacing(
                "linear-thompson",
                with: "neural-thompson\n  floor: 0.01\n  posterior: shared\n  centred: true\n  forget: {factor: 0.9, per: 12h}\n"
                    + "  model: {kind: cnn, loss: two-part, dropout: 0.2, schedule: warmup, clip: 2, layer_norm: true, residual: true, units: 3, kernel: 5}"
            ) + "warm_start: {import: log.csv}\n"
        let experiment = try GoodFile.experiment(text)
        #expect(
            experiment.context.features.prefix(2) == [
                Feature(
                    name: "h",
                    kind: .sequence(
                        fields: [.init(name: "days_ago", kind: .number), .init(name: "item", kind: .hashedCategory(buckets: 9))], length: 5)
                ),
                Feature(name: "c", kind: .cycle(period: 12)),
            ])
        #expect(experiment.reward.learn == .early)
        #expect(experiment.warmStart == .file("log.csv"))
        #expect(
            experiment.policy
                == PolicyConfiguration(
                    algorithm: .neuralThompson, floor: 0.01, posterior: .shared, isCentred: true,
                    forget: .init(factor: 0.9, periodSeconds: 43_200),
                    model: .init(
                        kind: .cnn, loss: .twoPart, dropout: 0.2, schedule: .warmup, clip: 2, layerNorm: true, residual: true, units: 3,
                        kernel: 5)))
        let apprentice = GoodFile.bandit(with: "context: {rule: {type: category, values: [none, ten]}}")
            .replacing("linear-thompson", with: "apprentice\n  imitate: rule\n  probabilities: {none: 0.5, ten: 0.5}")
        #expect(try GoodFile.experiment(apprentice).policy?.imitate == "rule")
        let squareCB = GoodFile.bandit.replacing("linear-thompson", with: "square-cb\n  gamma: 30")
        #expect(try GoodFile.experiment(squareCB).policy?.gamma == 30)
    }

    /// Monotone demand follows from the metric where the file is silent.
    @Test func sharedConversionIsMonotoneUnlessTheFileSaysOtherwise() throws {
        let shared = GoodFile.bandit.replacing("linear-thompson", with: "linear-thompson\n  posterior: shared\n  floor: 0.01")
        #expect(try GoodFile.experiment(shared).policy?.isMonotone == false)
        let conversion = shared.replacing("metric: margin", with: "metric: conversion")
        #expect(try GoodFile.experiment(conversion).policy?.isMonotone == true)
        #expect(try GoodFile.experiment(conversion + "  monotone: false\n").policy?.isMonotone == false)
    }

    @Test func greedyMayUseANetwork() throws {
        let text = GoodFile.bandit.replacing("linear-thompson", with: "greedy\n  model: {kind: mlp, hidden: [8]}")
        #expect(try GoodFile.experiment(text).policy?.model == .init(kind: .mlp, hidden: [8]))
    }

    @Test func weightsLeftOutAreEven() throws {
        #expect(try GoodFile.experiment(GoodFile.ab).arms.map(\.weight) == [0.5, 0.5])
        #expect(try GoodFile.experiment(GoodFile.ab).policy == nil)
    }

    @Test func givenWeightsMayMissTheirSumByRounding() throws {
        let text = GoodFile.ab.replacing("control: true}", with: "control: true, weight: 0.3333333}")
            .replacing("discount: 0.1}", with: "discount: 0.1, weight: 0.6666667}")
        #expect(try GoodFile.experiment(text).arms.map(\.weight) == [0.3333333, 0.6666667])
    }

    @Test func featuresHaveTheDocumentedDefaults() throws {
        let text = GoodFile.bandit(
            with: """
                context:
                  a: {type: number}
                  b: {type: boolean}
                  c: {type: category, values: [x, y]}
                  d: {type: category, hash: 16}
                """)
        #expect(
            try GoodFile.experiment(text).context.features == [
                Feature(name: "a", kind: .number(missing: .mean, clip: .none, transform: .identity, scale: .standard)),
                Feature(name: "b", kind: .boolean(missing: nil)), Feature(name: "c", kind: .category(values: ["x", "y"], missing: nil)),
                Feature(name: "d", kind: .hashedCategory(buckets: 16, missing: nil)),
            ] + TimeFeatures.features)
    }

    @Test func everyKeyOfAFeatureIsRead() throws {
        let text = GoodFile.bandit(
            with: """
                context:
                  a: {type: number, missing: -1.5, clip: [0, 365], transform: log1p, scale: none}
                  b: {type: number, missing: median, clip: p99.5, transform: none, scale: standard}
                  c: {type: boolean, missing: true}
                  d: {type: category, values: [web, "1", no], missing: "1"}
                  e: {type: category, hash: 16, missing: none}
                """)
        #expect(
            try GoodFile.experiment(text).context.features.map(\.kind) == [
                .number(missing: .value(-1.5), clip: .fixed(lower: 0, upper: 365), transform: .log1p, scale: .none),
                .number(missing: .median, clip: .percentile(99.5), transform: .identity, scale: .standard), .boolean(missing: true),
                .category(values: ["web", "1", "no"], missing: "1"), .hashedCategory(buckets: 16, missing: "none"),
            ] + TimeFeatures.features.map(\.kind))
    }

    @Test func everyKeyOfAnExperimentIsRead() throws {
        let text = """
            experiment: all-keys
            description: "Two\\nlines"
            owner: pricing
            type: bandit
            status: paused
            start: 2026-11-01
            end: 2026-12-01T12:30:00+02:00
            unit: customer_id
            salt: pepper
            currency: EUR
            traffic: 0.07
            holdout: 0.0001
            namespace: mail
            slot: [0.25, 0.5]
            targeting: {channel: web}
            sticky: false
            gate: prove
            activation: {expire: 90m, activate: on-evaluate}
            value_type: boolean
            disclosure: Automated.
            forbidden_features: [age]
            arms:
              - {key: none, control: true, payload: {a: [1, 2.5, true, null, "x"], b: {c: d}}}
              - {key: Mens E-Mail, discount: 1, control: false, payload: text}
            context: {recency: {type: number}}
            time_features: false
            reward: {metric: value, window: 250ms, default: -1, range: [-1, 5], learn: matured}
            policy:
              algorithm: neural-ucb
              floor: 0.5
              alpha: 0
              variance: 2
              ridge: 0.5
              posterior: disjoint
              publish: 1.5h
              seed: 9223372036854775807
              model:
                kind: mlp
                hidden: [4]
                activation: gelu
                loss: squared
                learning_rate: 1e-3
                weight_decay: 0
                batch: 1
                epochs: 2
                patience: 3
              retrain: {every: 90s, minimum_impressions: 1, window: 30m}
            """
        let experiment = try GoodFile.experiment(text)
        let policy = PolicyConfiguration(
            algorithm: .neuralUCB, floor: 0.5, alpha: 0, variance: 2, ridge: 0.5, publishSeconds: 5400, seed: UInt64(Int64.max),
            model: .init(
                kind: .mlp, hidden: [4], activation: .gelu, learningRate: 0.001, weightDecay: 0, batch: 1, epochs: 2, patience: 3),
            retrain: .init(everySeconds: 90, minimumImpressions: 1, windowSeconds: 1800))
        let payload = JSONValue.object([
            "a": .array([.number(1), .number(2.5), .boolean(true), .null, .string("x")]), "b": .object(["c": .string("d")]),
        ])
        let expected = Experiment(
            key: "all-keys", description: "Two\nlines", owner: "pricing", kind: .bandit, status: .paused,
            start: Timestamp("2026-11-01T00:00:00Z"), end: Timestamp("2026-12-01T10:30:00Z"), unitName: "customer_id", salt: "pepper",
            currency: "EUR", traffic: 0.07, holdout: 0.0001, slot: .init(namespace: "mail", lower: 0.25, upper: 0.5),
            targeting: .feature("channel", .equal("web")),
            arms: [
                Arm(key: "none", isControl: true, payload: payload),
                Arm(key: "Mens E-Mail", discount: 1, payload: .string("text")),
            ],
            context: FeatureSchema(features: [
                Feature(name: "recency", kind: .number(missing: .mean, clip: .none, transform: .identity, scale: .standard))
            ]),
            reward: RewardConfiguration(metric: .value, windowSeconds: 0.25, defaultReward: -1, range: -1...5), policy: policy,
            gate: .prove, disclosure: "Automated.", activation: .init(expireSeconds: 5400, activate: .onEvaluate), valueType: .boolean)
        #expect(experiment == expected)
    }

    @Test(arguments: [
        ("7d", 604_800.0), ("1h", 3600), ("30m", 1800), ("90s", 90), ("250ms", 0.25), ("3ms", 0.003), ("1.5h", 5400), ("0.5s", 0.5),
        ("1ms", 0.001),
    ]) func durationIsReadAndWritten(_ text: String, _ seconds: Double) {
        #expect(DurationText.seconds(text) == seconds)
        #expect(DurationText.seconds(DurationText.text(seconds)) == seconds)
    }

    @Test(arguments: ["", "7", "d", "0s", "-1d", "1.d", ".5d", "1e3s", "7 d", "7D", "7w", "0.5ms", "1d2h", "99999999d", "٧d", "1..5h"])
    func otherTextIsNoDuration(_ text: String) {
        #expect(DurationText.seconds(text) == nil)
    }

    @Test(arguments: ["0", "-1", "+1", "1.5", ".5", "1e3", "1E-3", "0.10", "-0"]) func decimalIsANumber(_ text: String) {
        #expect(NumberGrammar.isNumber(text))
    }

    @Test(arguments: ["", "-", "1.", "1e", "0x1", "0o7", "007", "1_000", "1,5", ".inf", ".nan", "1e+", "1 ", "１"]) func otherTextIsNoNumber(
        _ text: String
    ) {
        #expect(!NumberGrammar.isNumber(text))
    }

    @Test(arguments: [
        "algorithm: linear-ucb\nalpha: 2\n", "policy:\n  algorithm: linear-ucb\n  alpha: 2\n",
    ]) func policyFileMayBeBareOrWrapped(_ text: String) throws {
        let parsed = PolicyFile.parse(text: text, file: "p.yaml")
        #expect(parsed.problems.isEmpty)
        #expect(parsed.policy == PolicyConfiguration(algorithm: .linearUCB, alpha: 2, model: .init(kind: .linear)))
        #expect(parsed.context == nil)
        #expect(parsed.reward == nil)
    }

    @Test(arguments: ["algorithm: greedy\n", "policy: {algorithm: greedy}\n"]) func policyFileMayBringContextAndReward(_ head: String)
        throws
    {
        let parsed = PolicyFile.parse(
            text: head + "context: {x: {type: boolean}}\nreward: {metric: conversion, window: 1d}\n", file: "p.yaml")
        #expect(parsed.problems.isEmpty)
        #expect(parsed.context?.features.map(\.name) == ["x"])
        #expect(parsed.reward == RewardConfiguration(metric: .conversion, windowSeconds: 86_400))
    }

    @Test func policyFileReportsItsProblems() {
        let bare = PolicyFile.parse(text: "algoritm: greedy\nfloor: 2\n", file: "p.yaml")
        #expect(bare.policy == nil)
        #expect(
            bare.problems.map(\.description) == [
                "p.yaml:1:1: unknown key 'algoritm' in a policy; did you mean 'algorithm'?",
                "p.yaml:2:8: floor: expected a number from 0 to 1, found 2",
            ])
        let wrapped = PolicyFile.parse(text: "policy: {algorithm: greedy}\narms: []\n", file: "p.yaml")
        #expect(wrapped.problems.map(\.description) == ["p.yaml:2:1: unknown key 'arms' in a policy file"])
    }

    /// Nothing that relates a policy to arms can be checked in a file without arms.
    @Test func probabilitiesOfAPolicyFileAreTakenAsGiven() throws {
        let parsed = PolicyFile.parse(text: "algorithm: fixed\nprobabilities: {a: 0.25, b: 0.75}\n", file: "p.yaml")
        #expect(parsed.policy?.probabilities == ["a": 0.25, "b": 0.75])
    }

    @Test func policiesLearnedOfflineBelongInPolicyFiles() {
        let ipw = PolicyFile.parse(text: "algorithm: ipw\ntemperature: 0.5\nridge: 2\nfloor: 0.01\n", file: "p.yaml")
        #expect(ipw.problems.isEmpty)
        #expect(
            ipw.policy == PolicyConfiguration(algorithm: .ipw, floor: 0.01, temperature: 0.5, ridge: 2, model: .init(kind: .linear)))
        let dr = PolicyFile.parse(text: "policy: {algorithm: dr, model: {kind: mlp, hidden: [8]}}\n", file: "p.yaml")
        #expect(dr.problems.isEmpty)
        #expect(dr.policy == PolicyConfiguration(algorithm: .dr, model: .init(hidden: [8])))
        #expect(dr.policy?.temperature == nil)
    }

    @Test(arguments: [
        ("algorithm: ipw\nmodel: {kind: linear}\n", "p.yaml:2:1: model: ipw has no reward model; remove the key"),
        (
            "algorithm: greedy\ntemperature: 1\n",
            "p.yaml:2:1: temperature: greedy does not use it, it belongs to softmax, ipw or dr; remove the key"
        ),
        ("algorithm: dr\ntemperature: 0\n", "p.yaml:2:14: temperature: expected a number above 0, found 0"),
        ("algorithm: dr\nalpha: 1\n", "p.yaml:2:1: alpha: dr does not use it, it belongs to linear-ucb or neural-ucb; remove the key"),
        (
            "algorithm: ipv\n",
            "p.yaml:1:12: algorithm: expected fixed, uniform, greedy, epsilon-greedy, linear-thompson, linear-ucb, neural-thompson, "
                + "neural-ucb, softmax, square-cb, bernoulli-thompson, top-two-thompson, apprentice, auto, ipw or dr, found 'ipv'; did you mean 'ipw'?"
        ),
    ])
    func keysOfOtherAlgorithmsAreRefusedInPolicyFiles(_ text: String, _ problem: String) {
        #expect(PolicyFile.parse(text: text, file: "p.yaml").problems.map(\.description) == [problem])
    }
}

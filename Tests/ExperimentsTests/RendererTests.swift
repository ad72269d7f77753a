import HaggleCore
import Testing

@testable import Experiments

struct RendererTests {
    private func roundTrip(_ experiment: Experiment) throws {
        let text = ExperimentRenderer.render(experiment)
        #expect(try GoodFile.experiment(text) == experiment, "\(text)")
    }

    @Test(arguments: Examples.names) func exampleReadsBackToTheSameValue(_ name: String) throws {
        try roundTrip(try Examples.experiment(name))
    }

    @Test(arguments: [GoodFile.bandit, GoodFile.ab]) func leastFileReadsBackToTheSameValue(_ text: String) throws {
        try roundTrip(try GoodFile.experiment(text))
    }

    @Test(arguments: TargetingTests.table) func conditionReadsBackToTheSameValue(_ row: TargetingCase) throws {
        var experiment = try GoodFile.experiment(GoodFile.bandit)
        experiment.targeting = try TargetingTests.parse(row.condition)
        try roundTrip(experiment)
    }

    /// Text that YAML would read as something else, or not at all, if it stood there plainly.
    @Test(arguments: [
        "true", "No", "null", "~", "12", "1e5", "2026-11-01", "0x1F", ".5", "-", "- x", "a: b", "a #b", "#a", "a,b", "[a]", "{a}", "*a",
        "&a", "!a", "%a", "@a",
        "`a", "'a'", "\"a\"", "a\\b", "é", "🎁", "a  b", "O'Neill", "<<", "=", "?", "a\u{2028}b", "x\u{feff}", "x:", "yes", "50 %",
    ]) func awkwardTextSurvives(_ text: String) throws {
        var experiment = try GoodFile.experiment(GoodFile.bandit)
        experiment.owner = text
        experiment.description = text + "\n" + text
        experiment.arms[1].key = ArmKey(text)
        experiment.arms[1].payload = .object([
            text: .array([.string(text), .null, .number(-0.5), .boolean(false), .object([:]), .array([])])
        ])
        experiment.context = FeatureSchema(features: [
            Feature(name: text, kind: .category(values: [text, "other"], missing: text)),
            Feature(name: "h", kind: .hashedCategory(buckets: 8, missing: text)),
        ])
        experiment.targeting = .all([.feature(text, .oneOf([.text(text), .number(1e300)])), .feature("r", .matches("^\\d+\"'$"))])
        try roundTrip(experiment)
    }

    @Test func everyKeySurvives() throws {
        let experiment = Experiment(
            key: "all", description: "Why?", owner: "me", kind: .bandit, status: .draft, start: Timestamp("2026-11-01T00:00:00.125Z"),
            end: Timestamp("2027-01-01"), unitName: "account id", salt: "x y", currency: "CHF", traffic: 0.3333, holdout: 0.0001,
            slot: .init(namespace: "n 1", lower: 0.1, upper: 0.7), targeting: .not(.any([.feature("a", .exists(false))])),
            arms: [Arm(key: "a", discount: 1, isControl: true), Arm(key: "b", payload: .string("x")), Arm(key: "c", discount: 0.1 + 0.2)],
            context: FeatureSchema(
                features: [
                    Feature(name: "n", kind: .number(missing: .value(-1e-7), clip: .percentile(99.99), transform: .log1p, scale: .none)),
                    Feature(
                        name: "m",
                        kind: .number(missing: .median, clip: .fixed(lower: -1, upper: 2.5), transform: .identity, scale: .standard)),
                    Feature(name: "b", kind: .boolean(missing: nil)), Feature(name: "c", kind: .boolean(missing: true)),
                ] + TimeFeatures.features),
            reward: RewardConfiguration(metric: .value, marginRate: 0.5, windowSeconds: 0.0015, defaultReward: -2, range: -2...1e6),
            policy: PolicyConfiguration(
                algorithm: .neuralUCB, floor: 0.1, alpha: 0.3, variance: 4, ridge: 0.25, publishSeconds: 90, seed: 1 << 60,
                model: .init(hidden: [1, 2, 3], activation: .tanh, learningRate: 0.1, weightDecay: 0, batch: 2, epochs: 3, patience: 1),
                retrain: .init(everySeconds: 1.5, minimumImpressions: 7, windowSeconds: 1e6)),
            gate: .prove, disclosure: "You: yes.", activation: .init(expireSeconds: 1800), valueType: .string)
        try roundTrip(experiment)
    }

    @Test func everyAlgorithmSurvives() throws {
        for algorithm in PolicyConfiguration.Algorithm.serving {
            var text = GoodFile.bandit.replacing("linear-thompson", with: algorithm.rawValue)
            if algorithm == .bernoulliThompson { text = text.replacing("metric: margin", with: "metric: conversion") }
            var experiment = try GoodFile.experiment(text)
            if algorithm == .fixed { experiment.policy?.probabilities = ["none": 0.25, "ten": 0.75] }
            if algorithm == .epsilonGreedy { experiment.policy?.epsilon = 0.5 }
            try roundTrip(experiment)
        }
    }

    /// What came with learning: shared posterior, forgetting, sequences, losses, time features, warm start.
    @Test func everyKeyOfLearningSurvives() throws {
        var experiment = try GoodFile.experiment(GoodFile.bandit)
        experiment.warmStart = .file("old log.csv")
        experiment.reward.learn = .early
        experiment.context.features.insert(
            Feature(
                name: "history",
                kind: .sequence(
                    fields: [.init(name: "days_ago", kind: .number), .init(name: "category", kind: .hashedCategory(buckets: 8))],
                    length: 16)), at: 0)
        experiment.policy = PolicyConfiguration(
            algorithm: .softmax, temperature: 0.3, posterior: .shared, isMonotone: false, isCentred: true,
            forget: .init(factor: 0.98, periodSeconds: 3600),
            model: .init(
                kind: .gru, hidden: [8], loss: .twoPart, dropout: 0.1, schedule: .cosine, clip: 1.5, layerNorm: true, residual: true,
                units: 4))
        try roundTrip(experiment)
        experiment.warmStart = .experiment("earlier")
        experiment.context.features.removeAll { $0.name.hasPrefix("$") }
        experiment.policy = PolicyConfiguration(algorithm: .squareCB, gamma: 20, model: .init(kind: .linear))
        try roundTrip(experiment)
        experiment.policy = PolicyConfiguration(algorithm: .topTwoThompson, beta: 0.25, model: .init(kind: .linear))
        try roundTrip(experiment)
        experiment.policy = PolicyConfiguration(algorithm: .apprentice, imitate: "history", model: .init(kind: .linear))
        try roundTrip(experiment)
    }

    @Test func commentStandsOnTop() throws {
        let text = ExperimentRenderer.render(try GoodFile.experiment(GoodFile.ab), comment: "Written by import.\n\nEdit it.")
        #expect(text.hasPrefix("# Written by import.\n#\n# Edit it.\nexperiment: test\n"))
    }

    /// A change of layout shows here.
    @Test func textIsForPeople() throws {
        #expect(
            ExperimentRenderer.render(try GoodFile.experiment(GoodFile.bandit)) == """
                experiment: test
                type: bandit
                status: running
                unit: unit
                traffic: 1
                holdout: 0
                arms:
                  - {key: none, discount: 0, control: true}
                  - {key: ten, discount: 0.1}
                reward:
                  metric: margin
                  margin_rate: 0.35
                  window: 7d
                  default: 0
                policy:
                  algorithm: linear-thompson
                  floor: 0
                  publish: 1m
                  model: {kind: linear}
                  retrain: {every: 1h, minimum_impressions: 2000, window: 90d}

                """)
    }
}

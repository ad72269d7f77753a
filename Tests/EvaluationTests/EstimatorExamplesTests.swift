import Evaluation
import HaggleCore
import HaggleMath
import Testing

/// Examples small enough to be worked out on paper.
struct EstimatorExamplesTests {
    private static let policies = [EvaluatedPolicy(name: "p", target: .given)]

    private func report(
        _ rows: [EvaluationRow], _ estimators: [any Estimator], armCount: Int = 2, rewardModel: String? = nil, weightBound: Double? = nil,
        discounts: [Double]? = nil, categories: [Int]? = nil
    ) async throws -> PolicyEvaluation {
        var evaluator = try Evaluator(
            policies: Self.policies, armCount: armCount,
            options: EvaluationOptions(
                estimators: estimators, intervals: [.normal, .bootstrap], resamples: 20, isForced: true, weightBound: weightBound,
                discounts: discounts, armCategories: categories), rewardModel: rewardModel)
        for row in rows { try await evaluator.add(row) }
        return try await evaluator.report().policies[0]
    }

    /// Four rows: p, r and the target's probability of the logged arm.
    private var four: [EvaluationRow] {
        zip([0.8, 0.25, 0.5, 0.2], zip([0.1, 0.2, 0, 1], [0.6, 0.4, 0.3, 0.9])).map { p, rest in
            EvaluationRow(arm: 0, propensity: p, reward: rest.0, targets: [[rest.1, 1 - rest.1]])
        }
    }

    /// The values by which the literature's formulas were checked; MLE has its multiplier at the upper end, so it is the mean reward.
    @Test func fourRowsByWeightsAlone() async throws {
        let result = try await report(
            four, [InversePropensityScore(), SelfNormalisedInversePropensityScore(), MaximumLikelihood(), CressieRead()])
        let expected = [1.22375, 0.6570469798657719, 0.325, 0.4543718334388855]
        for (estimate, value) in zip(result.estimates, expected) {
            #expect(agree(try #require(estimate.value), value, within: 1e-14), "\(estimate.estimator)")
        }
        // At that end the error is that of the mean reward: rewards 0.1, 0.2, 0 and 1 have variance 0.2091666...
        #expect(agree(try #require(result.estimates[2].standardError), (0.6275 / 3 / 4).squareRoot(), within: 1e-12))
        // Resampled sums do not hold the distribution of weights.
        #expect(result.estimates[2].intervals.map(\.method) == [.normal])
    }

    /// A log of a policy that learns: the target is arm 0, the model the running mean of the past, every row its own snapshot.
    @Test func sixRowsOfAnAdaptiveLog() async throws {
        let first = [0.5, 0.5, 0.3, 0.2, 0.1, 0.05]
        let arms = [0, 1, 1, 1, 0, 1]
        let rewards = [1.0, 0, 1, 1, 0, 1]
        var seen = [[Double]](repeating: [], count: 2)
        var rows: [EvaluationRow] = []
        for index in 0..<6 {
            let past = seen.map { $0.isEmpty ? 0 : $0.reduce(0, +) / Double($0.count) }
            let p = [first[index], 1 - first[index]]
            // V = sum of pi^2 / p = 1 / p of arm 0.
            rows.append(
                EvaluationRow(
                    arm: arms[index], propensity: p[arms[index]], reward: rewards[index], targets: [[1, 0]], pastEstimates: past,
                    snapshotVariances: [1 / p[0]]))
            seen[arms[index]].append(rewards[index])
        }
        let result = try await report(rows, AdaptiveWeighting.allCases.map { AdaptivelyWeightedDoublyRobust(weighting: $0) })
        let expected = [
            ("AIPW", -0.583333333333333, 1.547474046931297), ("StableVar", 0.129539517721324, 1.116906634474597),
            ("MinVar", 0.681818181818182, 0.719741454067297),
        ]
        for (estimate, number) in zip(result.estimates, expected) {
            #expect(estimate.estimator == number.0)
            #expect(agree(try #require(estimate.value), number.1, within: 1e-12), "\(number.0)")
            #expect(agree(try #require(estimate.standardError), number.2, within: 1e-12), "\(number.0)")
        }
    }

    /// With one snapshot all three weightings are DR with the same estimates.
    @Test func oneSnapshotMakesAdaptiveWeightsEqual() async throws {
        let rows = [(0.5, 1.0), (0.25, 3), (0.75, 2)].map { p, r in
            EvaluationRow(
                arm: 0, propensity: p, reward: r, targets: [[0.4, 0.6]], estimates: [1, 2], pastEstimates: [1, 2], snapshotVariances: [7])
        }
        let result = try await report(
            rows, [DoublyRobust()] + AdaptiveWeighting.allCases.map { AdaptivelyWeightedDoublyRobust(weighting: $0) }, rewardModel: "m")
        // q^pi = 1.6; w = 0.8, 1.6 and 0.5333...; corrections 0, 3.2 and 0.5333...
        for estimate in result.estimates {
            #expect(agree(try #require(estimate.value), 1.6 + (3.2 + 8.0 / 15) / 3, within: 1e-14), "\(estimate.estimator)")
        }
    }

    /// Arms 0 and 1 are alike: the weight of a row that showed 0 is (0.1 + 0.5) / (0.3 + 0.1) = 1.5, of one that showed 2 it is 0.4 / 0.6.
    @Test func categoriesOfArmsShareTheirWeight() async throws {
        let rows = [(0, 4.0), (2, 3.0)].map { arm, reward in
            EvaluationRow(
                arm: arm, propensity: [0.3, 0.1, 0.6][arm], reward: reward, targets: [[0.1, 0.5, 0.4]], propensities: [0.3, 0.1, 0.6])
        }
        let result = try await report(rows, [MarginalisedInversePropensityScore()], armCount: 3, categories: [7, 7, 9])
        #expect(agree(try #require(result.estimates[0].value), (1.5 * 4 + 0.4 / 0.6 * 3) / 2, within: 1e-14))
    }

    /// The target shows 5 % off; with h = 0.1 its neighbours at 0 % and 10 % get k(1/2) = 0.75 against 1, so 0.3, 0.4 and 0.3.
    @Test func neighbouringDiscountsAnswerForEachOther() async throws {
        let discounts = [0, 0.05, 0.1]
        func row(eligible: [Int]?) -> EvaluationRow {
            EvaluationRow(arm: 0, propensity: 0.5, reward: 2, targets: [[0, 1, 0]], eligible: eligible)
        }
        let all = try await report([row(eligible: nil)], [KernelInversePropensityScore(bandwidth: 0.1)], armCount: 3, discounts: discounts)
        #expect(agree(try #require(all.estimates[0].value), 0.3 / 0.5 * 2, within: 1e-12))
        #expect(all.estimates[0].parameters == ["bandwidth": 0.1])
        // Without the third arm its share goes to the others.
        let two = try await report(
            [row(eligible: [0, 1])], [KernelInversePropensityScore(bandwidth: 0.1)], armCount: 3, discounts: discounts)
        #expect(agree(try #require(two.estimates[0].value), 0.75 / 1.75 / 0.5 * 2, within: 1e-12))
        // A narrow kernel is IPS.
        let narrow = try await report(
            [row(eligible: nil)], [KernelInversePropensityScore(bandwidth: 0.05)], armCount: 3, discounts: discounts)
        #expect(abs(try #require(narrow.estimates[0].value)) < 1e-12)
    }

    /// pi / mixture = 0.5 / 0.25: a value of 6 with a remark, and nothing that looks like an error bar.
    @Test func balancedWeightsGiveAPointOnly() async throws {
        let row = EvaluationRow(arm: 0, propensity: 0.9, reward: 3, targets: [[0.5, 0.5]], balancedPropensity: 0.25)
        let result = try await report([row, row], [BalancedInversePropensityScore()])
        let estimate = result.estimates[0]
        #expect(estimate.value == 6 && estimate.standardError == nil && estimate.intervals.isEmpty)
        #expect(estimate.remarks.contains { $0.hasPrefix("point value only") })
    }

    /// MRDR reads the estimates made for the policy: 0.6 * 2 + 0.4 * 5 + 1.2 (4 - 2) = 5.6.
    @Test func theRobustModelIsTheOneOfThePolicy() async throws {
        let row = EvaluationRow(arm: 0, propensity: 0.5, reward: 4, targets: [[0.6, 0.4]], estimates: [0, 0], robustEstimates: [[2, 5]])
        let result = try await report([row], [MoreRobustDoublyRobust()], rewardModel: "m")
        #expect(agree(try #require(result.estimates[0].value), 5.6, within: 1e-14))
    }

    /// What only some estimators need is asked for by name.
    @Test func rowsWithoutWhatAnEstimatorNeedsAreRefused() async throws {
        let row = EvaluationRow(arm: 0, propensity: 0.5, reward: 1, targets: [[0.5, 0.5]])
        for (estimator, input) in [
            (MoreRobustDoublyRobust() as any Estimator, RowInput.robustEstimates), (BalancedInversePropensityScore(), .balancedPropensity),
            (AdaptivelyWeightedDoublyRobust(), .pastEstimates), (MarginalisedInversePropensityScore(), .propensities),
        ] {
            await #expect(throws: EvaluationError.rowLacks(row: 1, input: input, estimators: [estimator.name])) {
                _ = try await report([row], [estimator], categories: [0, 1])
            }
        }
        await #expect(throws: EvaluationError.self) { _ = try await report([row], [MarginalisedInversePropensityScore()]) }
        await #expect(throws: EvaluationError.self) { _ = try await report([row], [KernelInversePropensityScore()]) }
    }

    /// Weights that repeat are exact cells; weights that do not are pooled, by the same cells in whatever order parts are merged.
    @Test func distributionsOfWeightsAreBoundedAndMerge() {
        var generator = SeededGenerator(seed: 5)
        let rows = (0..<4000).map { _ in (weight: 0.2 + 1.6 * generator.uniform(), reward: generator.uniform()) }
        func distribution(_ rows: some Sequence<(weight: Double, reward: Double)>) -> WeightDistribution {
            var distribution = WeightDistribution(limit: 256)
            for row in rows { distribution.add(weight: row.weight, reward: row.reward) }
            return distribution
        }
        let whole = distribution(rows).ascending
        #expect(whole.count <= 256 && whole.count > 64)
        var merged = distribution(rows[3000...])
        merged.merge(distribution(rows[..<100]))
        merged.merge(distribution(rows[100..<3000]))
        #expect(merged.ascending.count == whole.count)
        for (one, other) in zip(merged.ascending, whole) {
            #expect(
                one.count == other.count && agree(one.weight, other.weight, within: 1e-13) && agree(one.reward, other.reward, within: 1e-12)
            )
        }
        // Cells are 2^-6 wide at most, and the value moves by the square of that: the likelihood value stays within 1e-4 of the exact one.
        let terms = MaximumLikelihood().terms
        func value(_ distribution: WeightDistribution) -> Double {
            let totals = [
                rows.map(\.weight), rows.map { $0.weight * $0.weight }, rows.map { $0.weight * $0.reward },
                rows.map { $0.weight * $0.weight * $0.reward }, rows.map(\.reward),
            ].map { $0.reduce(0, +) }
            return MaximumLikelihood().value(of: TermSums(count: 4000, terms: terms, sums: totals, distribution: distribution))
        }
        var exact = WeightDistribution()
        for row in rows { exact.add(weight: row.weight, reward: row.reward) }
        #expect(exact.ascending.count == 4000)
        #expect(agree(value(merged), value(exact), within: 1e-4))
    }
}

import HaggleCore
import Testing

@testable import Experiments

struct PlacementTests {
    private let now = Timestamp(seconds: 1_793_491_200)
    private let units = (0..<5000).map { UnitID("c-\($0)") }

    private func experiment(_ kind: Experiment.Kind = .bandit, weights: [Double]? = nil) -> Experiment {
        Experiment(
            key: "test", kind: kind,
            arms: [
                Arm(key: "none", discount: 0, isControl: true, weight: weights?[0]), Arm(key: "five", discount: 0.05, weight: weights?[1]),
                Arm(key: "ten", discount: 0.1, weight: weights?[2]),
            ],
            reward: RewardConfiguration(metric: .revenue, windowSeconds: 60),
            policy: kind == .bandit ? PolicyConfiguration(algorithm: .uniform) : nil)
    }

    private func placements(_ experiment: Experiment) throws -> [Placement] {
        let placer = try Placer(experiment)
        return units.map { placer.place(unit: $0, context: [:], now: now, isPaused: false) }
    }

    @Test func everybodyMeetsThePolicyWithoutCuts() throws {
        #expect(Set(try placements(experiment())) == [.policy])
    }

    /// What the lifecycle answers, in rising order of what lies over what: an ended experiment stays ended when it is paused.
    @Test(
        arguments: [
            (Experiment.Status.running, nil, nil, false, nil), (.running, nil, nil, true, Reason.paused),
            (.paused, nil, nil, false, .paused),
            (.draft, nil, nil, false, .notStarted), (.draft, nil, nil, true, .notStarted), (.stopped, nil, nil, false, .ended),
            (.running, 1.0, nil, false, .notStarted), (.running, 0, nil, false, nil), (.running, -1, nil, false, nil),
            (.running, nil, 1, false, nil),
            (.running, nil, 0, false, .ended), (.running, nil, -1, false, .ended), (.paused, nil, -1, true, .ended),
            (.paused, 1, nil, true, .notStarted),
        ] as [(Experiment.Status, Double?, Double?, Bool, Reason?)])
    func lifecycleDecidesFirst(_ status: Experiment.Status, _ start: Double?, _ end: Double?, _ isPaused: Bool, _ expected: Reason?) throws
    {
        var experiment = experiment()
        experiment.status = status
        experiment.start = start.map { now + $0 }
        experiment.end = end.map { now + $0 }
        experiment.holdout = 1
        let placement = try Placer(experiment).place(unit: "c-1", context: [:], now: now, isPaused: isPaused)
        #expect(placement == .control(expected ?? .holdout))
    }

    @Test func targetingComesBeforeTheHoldout() throws {
        var experiment = experiment()
        experiment.holdout = 1
        experiment.targeting = .feature("is_member", .equal(true))
        let placer = try Placer(experiment)
        #expect(placer.place(unit: "c-1", context: ["is_member": false], now: now, isPaused: false) == .control(.notTargeted))
        #expect(placer.place(unit: "c-1", context: ["is_member": true], now: now, isPaused: false) == .control(.holdout))
    }

    /// A ramp from 0 to 1: who is in stays in, and the holdout is the same units all along.
    @Test func rampMovesNobodyOutAndLeavesTheHoldout() throws {
        var experiment = experiment()
        experiment.holdout = 0.1
        var before: Set<Int> = []
        var holdouts: Set<[Int]> = []
        for traffic in [0, 0.05, 0.3, 0.3001, 0.8, 1] {
            experiment.traffic = traffic
            let placements = try placements(experiment)
            let inside = Set(placements.indices.filter { placements[$0] == .policy })
            #expect(inside.isSuperset(of: before))
            holdouts.insert(placements.indices.filter { placements[$0] == .control(.holdout) })
            before = inside
        }
        #expect(holdouts.count == 1)
        // 5000 units at 10 %: 500 with a standard deviation of 21; five of them either way.
        #expect((395...605).contains(try #require(holdouts.first).count))
        #expect(before.count + holdouts.reduce(0) { $0 + $1.count } == units.count)
    }

    /// Raising the holdout only adds units to it: nobody who was in it ever meets the policy.
    @Test func largerHoldoutHoldsTheSmaller() throws {
        var experiment = experiment()
        var before: Set<Int> = []
        for holdout in [0.01, 0.05, 0.5] {
            experiment.holdout = holdout
            let placements = try placements(experiment)
            let held = Set(placements.indices.filter { placements[$0] == .control(.holdout) })
            #expect(held.isSuperset(of: before))
            before = held
        }
    }

    @Test func trafficNeverMovesAUnitBetweenArms() throws {
        var experiment = experiment(.ab, weights: [0.5, 0.3, 0.2])
        let full = try placements(experiment)
        for traffic in [0.1, 0.5, 0.9] {
            experiment.traffic = traffic
            for (placement, reference) in zip(try placements(experiment), full) where placement != .control(.notInTraffic) {
                #expect(placement == reference)
            }
        }
    }

    @Test func splitFollowsTheWeights() throws {
        let placements = try placements(experiment(.ab, weights: [0.5, 0.3, 0.2]))
        for (arm, weight) in [0.5, 0.3, 0.2].enumerated() {
            let count = Double(placements.count { $0 == .arm(arm) })
            // Five standard deviations of a binomial count.
            #expect(abs(count - 5000 * weight) < 5 * (5000 * weight * (1 - weight)).squareRoot())
        }
    }

    @Test func evenSplitNeedsNoWeights() throws {
        #expect(try placements(experiment(.ab)) == placements(experiment(.ab, weights: [1 / 3.0, 1 / 3.0, 1 / 3.0])))
    }

    /// Weights that miss 1 by rounding leave nobody without an arm.
    @Test func lastArmTakesWhatRoundingLeaves() throws {
        let placements = try placements(experiment(.ab, weights: [0.3333, 0.3333, 0.3333]))
        #expect(placements.allSatisfy { if case .arm = $0 { true } else { false } })
    }

    @Test func slotsOfANamespaceShareNobodyAndLeaveNobodyOut() throws {
        var first = experiment()
        first.slot = .init(namespace: "mail", lower: 0, upper: 0.29)
        var second = experiment()
        second.salt = "other"
        second.slot = .init(namespace: "mail", lower: 0.29, upper: 1)
        for (one, two) in zip(try placements(first), try placements(second)) {
            #expect((one == .policy) != (two == .policy))
            #expect(Set([one, two]) == [.policy, .control(.notInTraffic)])
        }
    }

    @Test func anotherSaltDealsAnew() throws {
        var other = experiment(.ab)
        other.salt = "another"
        let same = zip(try placements(experiment(.ab)), try placements(other)).count { $0 == $1 }
        // One in three by chance: 1667 with a standard deviation of 33.
        #expect((1500...1834).contains(same))
    }

    @Test func variantNamesTheBranch() {
        let split = experiment(.ab)
        #expect(Placement.policy.variant(in: split) == .policy)
        #expect(Placement.arm(2).variant(in: split) == .arm("ten"))
        #expect(Placement.control(.holdout).variant(in: split) == .holdout)
        #expect(Placement.control(.notTargeted).variant(in: split) == .control)
    }

    @Test func patternThatIsNotSupportedIsRefusedWhenThePlacerIsMade() {
        var experiment = experiment()
        experiment.targeting = .not(.all([.feature("a", .matches("(?=b)"))]))
        #expect(throws: TextPattern.SyntaxError.self) { try Placer(experiment) }
    }
}

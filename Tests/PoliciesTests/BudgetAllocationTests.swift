import HaggleCore
import HaggleMath
import Testing

@testable import Policies

@Suite struct BudgetAllocationTests {
    static func allocate(_ rewards: [[Double]], _ costs: [[Double]], budget: Double) throws -> (arms: [Int], BudgetAllocation.Result) {
        var allocation = try BudgetAllocation(budget: budget)
        repeat {
            for row in rewards.indices { allocation.observe(rewards: rewards[row], costs: costs[row]) }
        } while try allocation.endPass()
        let arms = rewards.indices.map { allocation.choose(rewards: rewards[$0], costs: costs[$0]) }
        return (arms, allocation.result)
    }

    /// Within half a percent of the linear programme that scipy solved, never above it or the budget.
    @Test func isCloseToTheLinearProgramme() throws {
        let golden = try ExplanationFixture.load().knapsack
        for (budget, optimum) in zip(golden.budgets, golden.optima) {
            let (arms, result) = try Self.allocate(golden.rewards, golden.costs, budget: budget)
            let reward = arms.enumerated().reduce(0) { $0 + golden.rewards[$1.offset][$1.element] }
            let cost = arms.enumerated().reduce(0) { $0 + golden.costs[$1.offset][$1.element] }
            #expect(cost <= budget)
            #expect(reward >= 0.995 * optimum && reward <= optimum * (1 + 1e-9))
            #expect(result.upperBound >= optimum * (1 - 1e-9) && result.upperBound <= optimum * 1.001)
            #expect(abs(result.reward - reward) < 1e-9 * reward && abs(result.cost - cost) <= 1e-9 * cost)
        }
    }

    @Test func withoutScarcityEverybodyGetsTheBest() throws {
        let golden = try ExplanationFixture.load().knapsack
        let (arms, result) = try Self.allocate(golden.rewards, golden.costs, budget: golden.budgets[4])
        #expect(arms == golden.rewards.map { row in row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 } })
        #expect(result.multiplier == 0)
        #expect(abs(result.upperBound - result.reward) < 1e-9 * result.reward)
    }

    @Test func nothingToSpendGivesTheFreeArm() throws {
        let golden = try ExplanationFixture.load().knapsack
        let (arms, result) = try Self.allocate(golden.rewards, golden.costs, budget: 0)
        #expect(arms.allSatisfy { $0 == 0 })
        #expect(result.cost == 0)
    }

    /// Random cases of every size and magnitude: never over budget, and the bound holds against every allocation by brute force.
    @Test func neverExceedsTheBudgetAndBoundsTheBest() throws {
        var generator = SeededGenerator(seed: 11)
        for round in 0..<200 {
            let unit = [1e-9, 1, 1e9][round % 3]
            let rows = 1 + round % 6
            let rewards = (0..<rows).map { _ in (0..<3).map { _ in generator.normal() * unit } }
            let costs = (0..<rows).map { _ in [0.0] + (0..<2).map { _ in (generator.uniform() * 4).rounded() * unit } }
            let budget = generator.uniform() * 3 * Double(rows) * unit
            let (arms, result) = try Self.allocate(rewards, costs, budget: budget)
            var best = -Double.infinity
            for code in 0..<Int([3, 9, 27, 81, 243, 729][rows - 1]) {
                var (left, reward, cost) = (code, 0.0, 0.0)
                for row in 0..<rows {
                    reward += rewards[row][left % 3]
                    cost += costs[row][left % 3]
                    left /= 3
                }
                if cost <= budget { best = max(best, reward) }
            }
            let cost = arms.enumerated().reduce(0) { $0 + costs[$1.offset][$1.element] }
            #expect(cost <= budget)
            #expect(result.reward <= best + 1e-9 * unit)
            #expect(result.upperBound >= best - 1e-9 * unit)
        }
    }

    /// All customers alike: the budget ends within a tie and is spent on as many as it reaches.
    @Test func spendsTheBudgetOnTies() throws {
        let rewards = [[Double]](repeating: [1, 2], count: 100)
        let costs = [[Double]](repeating: [0, 0.5], count: 100)
        let (arms, result) = try Self.allocate(rewards, costs, budget: 20.2)
        #expect(arms.count { $0 == 1 } == 40)
        #expect(result.reward == 140)
        #expect(abs(result.upperBound - 140.4) < 1e-3)
    }

    @Test(arguments: [-1, Double.nan, .infinity])
    func refusesWhatIsNoBudget(budget: Double) {
        #expect(throws: BudgetAllocation.Failure.self) { try BudgetAllocation(budget: budget) }
    }

    @Test func refusesABudgetThatNoArmFits() throws {
        #expect(throws: BudgetAllocation.Failure.tooSmall(budget: 1, least: 4)) {
            _ = try Self.allocate([[1, 2], [1, 2]], [[2, 3], [2, 3]], budget: 1)
        }
    }

    /// m = L (M - d): the list revenue and with it the cost come back.
    @Test func costsFollowFromMarginAndRevenue() throws {
        let arms = [0, 0.1, 0.25, 0.6].enumerated().map { Arm(key: ArmKey("a\($0)"), discount: $1, isControl: $0 == 0) }
        let list = [10.0, 14, 16, 20]
        let margin = try ExpectedDiscountCost(arms: arms, reward: .init(metric: .margin, marginRate: 0.4, windowSeconds: 1))
        let rewards = zip(list, [0, 0.1, 0.25, 0.6]).map { $0 * (0.4 - $1) }
        let costs = margin(rewards)
        #expect(zip(costs, [0, 1.4, 4, 12]).allSatisfy { abs($0 - $1) < 1e-9 })
        // .35 of .4 is too close: the largest list revenue of the others stands in.
        let near = [0, 0.1, 0.35].enumerated().map { Arm(key: ArmKey("a\($0)"), discount: $1, isControl: $0 == 0) }
        let bounded = try ExpectedDiscountCost(arms: near, reward: .init(metric: .margin, marginRate: 0.4, windowSeconds: 1))
        #expect(zip(bounded([4, 4.2, 1]), [0, 1.4, 0.35 * 14]).allSatisfy { abs($0 - $1) < 1e-9 })
        let revenue = try ExpectedDiscountCost(arms: arms, reward: .init(metric: .revenue, windowSeconds: 1))
        #expect(zip(revenue(zip(list, [0, 0.1, 0.25, 0.6]).map { $0 * (1 - $1) }), [0, 1.4, 4, 12]).allSatisfy { abs($0 - $1) < 1e-9 })
        // A negative expectation costs nothing rather than earning.
        #expect(revenue([-1, -1, -1, -1]) == [0, 0, 0, 0])
        #expect(throws: ExpectedDiscountCost.Failure.metric(.conversion)) {
            try ExpectedDiscountCost(arms: arms, reward: .init(metric: .conversion, windowSeconds: 1))
        }
        #expect(throws: ExpectedDiscountCost.Failure.marginRate) {
            try ExpectedDiscountCost(arms: arms, reward: .init(metric: .margin, windowSeconds: 1))
        }
    }
}

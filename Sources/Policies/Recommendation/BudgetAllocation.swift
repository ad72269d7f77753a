import HaggleMath

/// One arm for each of many customers, so that the expected rewards sum to as much as they can while the expected costs stay within a
/// budget: the multiple-choice knapsack problem, in passes over the customers and without remembering them.
///
///     maximise sum_i v_i(a_i)   subject to   sum_i c_i(a_i) <= B
///
/// For a multiplier u (reward per unit of money) each customer takes the arm of the largest v - u c. On the upper convex hull of a
/// customer's (cost, reward) points the steps have falling efficiencies e = dv / dc, and u decides which are taken: those with e > u. A
/// pass sums the steps' costs by efficiency into 8192 intervals, finds the one in which the budget ends and divides it again in the next
/// pass: bisection, thirteen halvings a pass. The last pass takes every step above that interval and those within it while money is left.
/// The linear programme's optimum is bounded by duality for every u, `u B + sum_i max_a (v_i(a) - u c_i(a))`, so the result says how far
/// from the best it is at most (Sinha & Zoltners 1979; Kellerer, Pferschy & Pisinger 2004, chapter 11).
///
/// Use: `observe` every customer, `endPass()` until it is false, then `choose` for every customer in any order.
/// Memory does not grow with the customers; O(K log K) a customer and pass.
package struct BudgetAllocation: Sendable {
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The budget is negative, NaN or infinite.
        case notABudget(Double)
        /// Giving every customer their cheapest arm costs more.
        case tooSmall(budget: Double, least: Double)

        package var description: String {
            switch self {
            case .notABudget(let found): "--budget: expected a finite amount of at least 0, found \(found)"
            case .tooSmall(let budget, let least):
                "--budget: expected at least \(least), what the cheapest arm of every customer costs, found \(budget); add an arm without a discount"
            }
        }
    }

    /// What the last pass did.
    package struct Result: Hashable, Sendable {
        package let customerCount: Int
        /// Sum of the chosen arms' expected rewards.
        package let reward: Double
        /// Sum of the chosen arms' expected costs; at most the budget.
        package let cost: Double
        /// No allocation within the budget is expected to give more, not even one that divides customers.
        package let upperBound: Double
        /// What one more unit of money would add; 0 where money is left over.
        package let multiplier: Double
    }

    package let budget: Double
    private var intervals: Intervals
    private var costs: [CompensatedSum]
    /// Of the cheapest arms.
    private var leastCost = CompensatedSum()
    /// Of steps above the present range of efficiencies.
    private var stepsAbove = CompensatedSum()
    private var passCount = 0
    private var isSearching = true
    /// Of the logarithm of the efficiency: steps from `upper` on are taken, and those from `lower` on while money is left. Equal where
    /// there is money for all steps.
    private var upper = 0.0
    private var lower = 0.0
    /// What may be spent on steps between `lower` and `upper`.
    private var remaining = 0.0
    private var customerCount = 0
    private var spent = CompensatedSum()
    private var gained = CompensatedSum()
    private var dual = CompensatedSum()

    /// - Throws: `Failure.notABudget`.
    package init(budget: Double) throws(Failure) {
        guard budget >= 0, budget.isFinite else { throw .notABudget(budget) }
        self.budget = budget
        intervals = Intervals(low: -Intervals.reach, high: Intervals.reach)
        costs = [CompensatedSum](repeating: CompensatedSum(), count: Intervals.count)
    }

    /// One customer of a pass that searches.
    /// - Parameters:
    ///   - rewards: expected, finite, one per arm.
    ///   - costs: expected, finite, not negative, one per arm.
    package mutating func observe(rewards: [Double], costs armCosts: [Double]) {
        precondition(isSearching, "the multiplier has been found")
        let hull = Self.hull(rewards, armCosts)
        leastCost += armCosts[hull[0]]
        Self.forEachStep(of: hull, rewards, armCosts) { _, cost, efficiency in
            switch intervals.place(of: efficiency) {
            case .above: stepsAbove += cost
            case .within(let place): costs[place] += cost
            case .below: break
            }
        }
    }

    /// Ends a pass that searches.
    /// - Returns: whether another one is needed before `choose`.
    /// - Throws: `Failure.tooSmall`.
    package mutating func endPass() throws(Failure) -> Bool {
        precondition(isSearching, "the multiplier has been found")
        passCount += 1
        guard leastCost.value <= budget else { throw .tooSmall(budget: budget, least: leastCost.value) }
        // A little less, so that rounding in the last pass cannot exceed the budget.
        var left = budget * (1 - 1e-12) - leastCost.value - stepsAbove.value
        var place = Intervals.count - 1
        while place >= 0, costs[place].value <= left {
            left -= costs[place].value
            place -= 1
        }
        if place >= 0, passCount < Self.passLimit, let narrower = intervals.divided(place) {
            // What lies above the interval is now above the range.
            intervals = narrower
            leastCost = CompensatedSum()
            stepsAbove = CompensatedSum()
            costs = [CompensatedSum](repeating: CompensatedSum(), count: Intervals.count)
            return true
        }
        isSearching = false
        if place >= 0 { (lower, upper) = intervals.ends(of: place) }
        remaining = left
        return false
    }

    /// The arm of one customer of the last pass, which sees the same customers in any order.
    /// - Returns: a position in `rewards`.
    package mutating func choose(rewards: [Double], costs armCosts: [Double]) -> Int {
        precondition(!isSearching, "the multiplier has not been found")
        let hull = Self.hull(rewards, armCosts)
        var chosen = hull[0]
        var isOpen = true
        var steps = 0.0
        Self.forEachStep(of: hull, rewards, armCosts) { arm, cost, efficiency in
            let logarithm = ElementaryFunctions.log(efficiency)
            guard isOpen else { return }
            if lower == upper || logarithm >= upper {
                chosen = arm
            } else if logarithm >= lower, steps + cost <= remaining {
                steps += cost
                chosen = arm
            } else {
                isOpen = false
            }
        }
        remaining -= steps
        customerCount += 1
        spent += armCosts[chosen]
        gained += rewards[chosen]
        let multiplier = multiplier
        dual += rewards.indices.reduce(-Double.infinity) { max($0, rewards[$1] - multiplier * armCosts[$1]) }
        return chosen
    }

    /// Of the customers that were given an arm so far.
    package var result: Result {
        Result(
            customerCount: customerCount, reward: gained.value, cost: spent.value, upperBound: multiplier * budget + dual.value,
            multiplier: multiplier)
    }

    private var multiplier: Double {
        if lower == upper { return 0 }
        return ElementaryFunctions.exp(upper.isFinite ? upper : lower)
    }

    private static let passLimit = 2

    /// Arms on the upper convex hull from the cheapest on, by rising cost and reward. Of equally cheap arms the most rewarding, of equals
    /// the first.
    private static func hull(_ rewards: [Double], _ costs: [Double]) -> [Int] {
        let order = rewards.indices.sorted { (costs[$0], -rewards[$0], $0) < (costs[$1], -rewards[$1], $1) }
        var hull = [order[0]]
        for arm in order.dropFirst() where rewards[arm] > rewards[hull[hull.count - 1]] && costs[arm] > costs[hull[hull.count - 1]] {
            while hull.count > 1 {
                let (a, b) = (hull[hull.count - 2], hull[hull.count - 1])
                if (rewards[b] - rewards[a]) * (costs[arm] - costs[a]) > (rewards[arm] - rewards[a]) * (costs[b] - costs[a]) { break }
                hull.removeLast()
            }
            hull.append(arm)
        }
        return hull
    }

    private static func forEachStep(
        of hull: [Int], _ rewards: [Double], _ costs: [Double], _ body: (_ arm: Int, _ cost: Double, _ efficiency: Double) -> Void
    ) {
        for (previous, arm) in zip(hull, hull.dropFirst()) {
            let cost = costs[arm] - costs[previous]
            body(arm, cost, (rewards[arm] - rewards[previous]) / cost)
        }
    }

    /// Equal intervals of the logarithm of an efficiency.
    private struct Intervals: Sendable {
        enum Place { case above, within(Int), below }

        static let count = 8192
        /// Of the logarithm; efficiencies beyond e^-80...e^80 count as these.
        static let reach = 80.0

        let low: Double
        let high: Double

        func place(of efficiency: Double) -> Place {
            let logarithm = ElementaryFunctions.log(efficiency)
            let isWhole = low == -Self.reach
            if logarithm >= high { return isWhole ? .within(Self.count - 1) : .above }
            if logarithm < low { return isWhole ? .within(0) : .below }
            return .within(index(of: logarithm))
        }

        /// The interval whose ends, as they are computed, hold the logarithm.
        private func index(of logarithm: Double) -> Int {
            var index = min(Self.count - 1, max(0, Int((logarithm - low) / (high - low) * Double(Self.count))))
            while index > 0, logarithm < lowerEnd(of: index) { index -= 1 }
            while index < Self.count - 1, logarithm >= upperEnd(of: index) { index += 1 }
            return index
        }

        func lowerEnd(of place: Int) -> Double { low + (high - low) * Double(place) / Double(Self.count) }

        func upperEnd(of place: Int) -> Double { place == Self.count - 1 ? high : lowerEnd(of: place + 1) }

        /// Both ends, infinite where the interval also holds what lies beyond the reach.
        func ends(of place: Int) -> (lower: Double, upper: Double) {
            let isWhole = low == -Self.reach
            return (
                isWhole && place == 0 ? -Double.infinity : lowerEnd(of: place),
                isWhole && place == Self.count - 1 ? Double.infinity : upperEnd(of: place)
            )
        }

        /// The range of one interval; nil where it has no inside left, or where it also holds what lies beyond the reach.
        func divided(_ place: Int) -> Intervals? {
            let (low, high) = (lowerEnd(of: place), upperEnd(of: place))
            if self.low == -Self.reach, place == 0 || place == Self.count - 1 { return nil }
            return high - low > 1e-12 * max(1, abs(low)) ? Intervals(low: low, high: high) : nil
        }
    }
}

import HaggleCore
import HaggleMath

/// A row's facts that are the same for all policies.
private struct RowHead {
    /// From 1.
    var number: Int
    var arm: Int
    var propensity: Double
    var reward: Double
    var time: Timestamp?
    var balancedPropensity: Double?
    var eligible: [Int]?
    /// From the unit or the row's position.
    var uniform = 0.0
    var fold = 0
}

extension Evaluator {
    /// Adds one row. O(policies * arms), and the bootstrap's share.
    /// - Throws: `EvaluationError` naming the row.
    package mutating func add(_ row: EvaluationRow) async throws {
        try addRow(row)
        guard pending.isFull else { return }
        await flush()
        try Task.checkCancellation()
    }

    /// Adds one row of columns, and leaves it to the caller to flush.
    mutating func addRow(_ index: Int, of columns: EvaluationColumns) throws {
        let none: [Double] = []
        let estimates = columns.estimates ?? none
        let pastEstimates = columns.pastEstimates ?? none
        let range = index * armCount..<(index + 1) * armCount
        var head = RowHead(
            number: rowNumber, arm: columns.arms[index], propensity: columns.propensities[index], reward: columns.rewards[index],
            time: columns.times?[index], balancedPropensity: columns.balancedPropensities?[index])
        let rowEstimates = estimates.isEmpty ? none.span : estimates.span.extracting(range)
        try begin(&head, unit: columns.units?[index], estimates: rowEstimates)
        for policy in policies.indices {
            let target = columns.targets[policy]
            let robust = columns.robustEstimates?[policy] ?? none
            try add(
                policy, head,
                target: policies[policy].isLogged ? none.span : target.span.extracting(range),
                estimates: rowEstimates, robustEstimates: robust.isEmpty ? none.span : robust.span.extracting(range),
                pastEstimates: pastEstimates.isEmpty ? none.span : pastEstimates.span.extracting(range), propensities: none.span,
                snapshotVariance: columns.snapshotVariances?[policy][index])
        }
        if sequences != nil { advanceSequences(columns, index) }
        try segments?.add(index, of: columns, row: nextRow)
        endRow()
    }

    /// Adds one row, and leaves it to the caller to flush.
    mutating func addRow(_ row: EvaluationRow) throws {
        let number = rowNumber
        guard row.targets.count == policies.count else {
            throw EvaluationError.targetsCount(row: number, expected: policies.count, found: row.targets.count)
        }
        guard let propensity = row.propensity else { throw EvaluationError.propensityMissing(row: number) }
        let none: [Double] = []
        let estimates = row.estimates ?? none
        let pastEstimates = row.pastEstimates ?? none
        let propensities = row.propensities ?? none
        var head = RowHead(
            number: number, arm: row.arm, propensity: propensity, reward: row.reward, time: row.time,
            balancedPropensity: row.balancedPropensity, eligible: row.eligible)
        try begin(&head, unit: row.unit, estimates: estimates.span)
        if row.propensities != nil { try check(propensities, of: row, number: number) }
        if let eligible = row.eligible { try check(eligible, number: number) }
        for policy in policies.indices {
            let isLogged = policies[policy].isLogged
            let target = isLogged ? propensities : row.targets[policy]
            if !isLogged, let eligible = row.eligible { try check(target, eligible: eligible, policy: policy, number: number) }
            let robust = try row.robustEstimates.map { try robustEstimates($0, of: policy, number: number) } ?? none
            try add(
                policy, head, target: target.span, estimates: estimates.span, robustEstimates: robust.span,
                pastEstimates: pastEstimates.span, propensities: propensities.span,
                snapshotVariance: try row.snapshotVariances.map { try variance($0, of: policy, number: number) })
            if row.propensities != nil { weights[policy].addMass(target: target, propensities: propensities) }
        }
        if row.propensities != nil {
            log.add(arm: row.arm, propensities: propensities, snapshot: row.snapshot, time: row.time)
        }
        if sequences != nil { advanceSequences(row, propensity: propensity) }
        try segments?.add(row, row: nextRow)
        endRow()
    }

    /// The row checks that need no policy, and the row's identity.
    private mutating func begin(_ head: inout RowHead, unit: UnitID?, estimates: Span<Double>) throws {
        let number = head.number
        guard head.arm >= 0, head.arm < armCount else { throw EvaluationError.unknownArm(row: number, arm: head.arm, armCount: armCount) }
        guard head.propensity > 0, head.propensity <= 1 else {
            throw EvaluationError.propensityOutOfRange(row: number, found: head.propensity)
        }
        guard head.reward.isFinite else { throw EvaluationError.rewardNotFinite(row: number) }
        if rewardModel != nil {
            guard !estimates.isEmpty else { throw EvaluationError.estimatesMissing(row: number) }
            guard estimates.count == armCount else {
                throw EvaluationError.estimatesWidth(row: number, expected: armCount, found: estimates.count)
            }
            for index in 0..<armCount where !estimates[index].isFinite {
                throw EvaluationError.estimateNotFinite(row: number, arm: index)
            }
        }
        try bounds.see(reward: head.reward, number: number)
        if let balanced = head.balancedPropensity, !(balanced > 0 && balanced <= 1) {
            throw EvaluationError.rowInputWrong(row: number, input: .balancedPropensity, expected: "p with 0 < p <= 1, found \(balanced)")
        }
        if plan.needsConstantPropensity {
            if let earlier = propensityRange?.lowerBound, abs(head.propensity - earlier) > 1e-9 * earlier {
                throw EvaluationError.propensitiesVary(row: number, found: head.propensity, earlier: earlier)
            }
            include(head.propensity...head.propensity)
        }
        let unitHash = options.clustering == .unit ? unit?.hash64 : nil
        let key =
            unitHash.map { PoissonWeights.key(seed: options.seed, unitHash: $0) }
            ?? PoissonWeights.key(seed: options.seed, row: nextRow)
        if plan.needsUniform { head.uniform = Self.uniform(key: key) }
        if folds != nil {
            head.fold = FoldSums.fold(key: key)
            folds?.countRow(fold: head.fold)
        }
        pending.begin(key: key, unit: unitHash)
        sums[0] += 1
        noteRow(
            arm: head.arm, propensity: head.propensity, reward: head.reward, unit: unitHash, key: key,
            estimates: rewardModel == nil ? Span() : estimates, time: head.time)
    }

    /// Widens the range of propensities.
    mutating func include(_ range: ClosedRange<Double>) {
        let ours = propensityRange ?? range
        propensityRange = min(ours.lowerBound, range.lowerBound)...max(ours.upperBound, range.upperBound)
    }

    /// A number in 0..<1 with 53 bits, independent of the key's weights in bootstrap replicates and of its fold.
    private static func uniform(key: UInt64) -> Double { Double(mix64(key ^ 0x7265_706c_6179_2f75) >> 11) * 0x1p-53 }

    /// One policy's part of a row.
    private mutating func add(
        _ policy: Int, _ head: RowHead, target: Span<Double>, estimates: Span<Double>, robustEstimates: Span<Double>,
        pastEstimates: Span<Double>, propensities: Span<Double>, snapshotVariance: Double?
    ) throws {
        let isLogged = policies[policy].isLogged
        var facts = RowFacts()
        facts.reward = head.reward
        let hasEstimates = !estimates.isEmpty
        if hasEstimates { facts.modelEstimate = estimates[head.arm] }
        if isLogged && target.isEmpty {
            // The log holds only the chosen propensity: the arm itself stands in for the logging policy, an unbiased draw of it.
            facts.modelValue = facts.modelEstimate
        } else {
            guard target.count == armCount else {
                throw EvaluationError.targetWidth(
                    row: head.number, policy: policies[policy].name, expected: armCount, found: target.count)
            }
            var total = 0.0
            for index in 0..<armCount {
                let probability = target[index]
                guard probability >= 0, probability <= 1 + 1e-6 else {
                    throw EvaluationError.targetNotProbability(
                        row: head.number, policy: policies[policy].name, arm: index, found: probability)
                }
                total += probability
            }
            guard abs(total - 1) <= 1e-6 else {
                throw EvaluationError.targetSum(row: head.number, policy: policies[policy].name, found: total)
            }
            if hasEstimates { facts.modelValue = Self.mean(of: estimates, under: target) }
            if !isLogged {
                facts.targetProbability = target[head.arm]
                facts.weight = facts.targetProbability / head.propensity
            }
        }
        guard facts.weight <= Self.largestWeight else {
            throw EvaluationError.weightOverflow(row: head.number, policy: policies[policy].name)
        }
        if let bound = plan.acceptanceBound, facts.weight > bound * (1 + 1e-9) {
            throw EvaluationError.weightAboveBound(
                row: head.number, policy: policies[policy].name, found: facts.weight, declared: bound)
        }
        facts.uniform = head.uniform
        if plan.needsFurtherFacts {
            try addFurtherFacts(
                to: &facts, head, target: target, robustEstimates: robustEstimates, pastEstimates: pastEstimates,
                propensities: propensities, snapshotVariance: snapshotVariance, isLogged: isLogged)
        }
        plan.evaluate(facts)
        let first = 1 + policy * plan.values.count
        for index in 0..<plan.values.count { sums[first + index] += plan.values[index] }
        pending.append(plan.values)
        folds?.add(plan.values, policy: policy, fold: head.fold)
        if !distributions.isEmpty { distributions[policy].add(weight: facts.weight, reward: head.reward) }
        weights[policy].add(weight: facts.weight, hasReward: head.reward != 0, arm: head.arm, propensity: head.propensity)
        if !target.isEmpty { weights[policy].addTarget(target) }
        course.add(
            policy: policy, weight: facts.weight, residual: head.reward - (rewardModel == nil ? 0 : facts.modelEstimate),
            modelValue: rewardModel == nil ? 0 : facts.modelValue)
    }

    /// What only some estimators need of a row.
    private mutating func addFurtherFacts(
        to facts: inout RowFacts, _ head: RowHead, target: Span<Double>, robustEstimates: Span<Double>, pastEstimates: Span<Double>,
        propensities: Span<Double>, snapshotVariance: Double?, isLogged: Bool
    ) throws {
        if plan.inputs.contains(.robustEstimates), !(isLogged && robustEstimates.isEmpty) {
            try check(robustEstimates, .robustEstimates, number: head.number)
            facts.robustEstimate = robustEstimates[head.arm]
            facts.robustValue = target.isEmpty ? facts.robustEstimate : Self.mean(of: robustEstimates, under: target)
        }
        if plan.inputs.contains(.pastEstimates) {
            try check(pastEstimates, .pastEstimates, number: head.number)
            facts.pastEstimate = pastEstimates[head.arm]
            facts.pastValue = target.isEmpty ? facts.pastEstimate : Self.mean(of: pastEstimates, under: target)
        }
        if plan.inputs.contains(.snapshotVariances) {
            guard let snapshotVariance else { throw lack(.snapshotVariances, number: head.number) }
            guard snapshotVariance > 0 else {
                throw EvaluationError.rowInputWrong(
                    row: head.number, input: .snapshotVariances, expected: "a number above 0, found \(snapshotVariance)")
            }
            facts.snapshotVariance = snapshotVariance
        }
        // The log itself is a draw of the logging policy, so its rows weigh 1 in every sense.
        guard !isLogged else {
            for index in plan.kernelWeights.indices { plan.kernelWeights[index] = 1 }
            return
        }
        if plan.inputs.contains(.balancedPropensity) {
            guard let balanced = head.balancedPropensity else { throw lack(.balancedPropensity, number: head.number) }
            facts.balancedWeight = facts.targetProbability / balanced
        }
        if plan.inputs.contains(.propensities) {
            guard !propensities.isEmpty else { throw lack(.propensities, number: head.number) }
            facts.categoryWeight = categoryWeight(of: head.arm, target: target, propensities: propensities)
        }
        for index in kernels.indices {
            plan.kernelWeights[index] =
                kernels[index].probability(of: head.arm, target: target, eligible: head.eligible) / head.propensity
        }
    }

    private func categoryWeight(of arm: Int, target: Span<Double>, propensities: Span<Double>) -> Double {
        guard let categories = options.armCategories else { preconditionFailure("MIPS is configured with categories") }
        var wanted = 0.0
        var logged = 0.0
        for other in 0..<armCount where categories[other] == categories[arm] {
            wanted += target[other]
            logged += propensities[other]
        }
        // The chosen arm's propensity is above 0, so the category's is.
        return wanted / logged
    }

    private static func mean(of estimates: Span<Double>, under target: Span<Double>) -> Double {
        var total = 0.0
        for index in 0..<target.count { total += target[index] * estimates[index] }
        return total
    }

    private mutating func endRow() {
        rowCount += 1
        nextRow += 1
        if let unit = pending.lastUnit { units.add(unit: unit, row: pending.lastRow) }
    }
}

// Checks of what a row brings.
extension Evaluator {
    private func check(_ propensities: [Double], of row: EvaluationRow, number: Int) throws {
        guard propensities.count == armCount else {
            throw EvaluationError.propensitiesWrong(row: number, expected: "\(armCount) of them, found \(propensities.count)")
        }
        var total = 0.0
        for p in propensities {
            guard p >= 0, p <= 1 else { throw EvaluationError.propensitiesWrong(row: number, expected: "numbers in 0...1, found \(p)") }
            total += p
        }
        guard abs(total - 1) <= 1e-6 else {
            throw EvaluationError.propensitiesWrong(row: number, expected: "a sum of 1 within 1e-6, found \(total)")
        }
        guard abs(propensities[row.arm] - (row.propensity ?? 0)) <= 1e-6 else {
            throw EvaluationError.propensitiesWrong(
                row: number, expected: "the chosen arm's to equal its propensity \(row.propensity ?? 0), found \(propensities[row.arm])")
        }
    }

    private func check(_ target: [Double], eligible: [Int], policy: Int, number: Int) throws {
        for (arm, probability) in target.enumerated() where probability > 1e-6 && !eligible.contains(arm) {
            throw EvaluationError.targetOnIneligibleArm(row: number, policy: policies[policy].name, arm: arm)
        }
    }

    private func check(_ eligible: [Int], number: Int) throws {
        for arm in eligible where arm < 0 || arm >= armCount {
            throw EvaluationError.unknownArm(row: number, arm: arm, armCount: armCount)
        }
    }

    private func check(_ estimates: Span<Double>, _ input: RowInput, number: Int) throws {
        guard !estimates.isEmpty else { throw lack(input, number: number) }
        guard estimates.count == armCount else {
            throw EvaluationError.rowInputWrong(
                row: number, input: input, expected: "\(armCount) numbers, one for each arm, found \(estimates.count)")
        }
        for arm in 0..<armCount where !estimates[arm].isFinite {
            throw EvaluationError.rowInputWrong(
                row: number, input: input, expected: "finite numbers, found \(estimates[arm]) for arm \(arm)")
        }
    }

    private func robustEstimates(_ all: [[Double]], of policy: Int, number: Int) throws -> [Double] {
        guard all.count == policies.count else {
            throw EvaluationError.rowInputWrong(
                row: number, input: .robustEstimates, expected: "\(policies.count) sets, one for each policy, found \(all.count)")
        }
        return all[policy]
    }

    private func variance(_ all: [Double], of policy: Int, number: Int) throws -> Double {
        guard all.count == policies.count else {
            throw EvaluationError.rowInputWrong(
                row: number, input: .snapshotVariances, expected: "\(policies.count) numbers, one for each policy, found \(all.count)")
        }
        return all[policy]
    }

    /// The error for a row without what some estimators need, naming them.
    private func lack(_ input: RowInput, number: Int) -> EvaluationError {
        EvaluationError.rowLacks(
            row: number, input: input,
            estimators: estimators.filter { $0.terms.contains { $0.input == input } }.map(\.name))
    }
}

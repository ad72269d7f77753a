import HaggleMath

extension Evaluator {
    /// The evaluator as bytes: what it is for, and all its sums. Rows that wait for a full batch are added to the sums first.
    /// - Throws: `EvaluationError.cannotMerge` where an interval was asked for that needs all rows in one pass.
    package func serialised() throws -> [UInt8] {
        guard sequences == nil else {
            throw EvaluationError.cannotMerge("an anytime interval needs the rows in one pass, in the order of the log")
        }
        var writer = StateWriter()
        writer.writeSetUp(of: self)
        writer.writeState(of: self)
        return writer.finished()
    }

    /// Reads bytes that `serialised()` wrote, on whatever machine.
    ///
    /// The evaluator reports and merges as the original does. It may read further rows only where they bring their targets: policies that
    /// can be asked are not part of the state.
    /// - Throws: `EvaluationError.unreadableState` for anything else.
    package init(serialised bytes: [UInt8]) throws {
        var reader = try StateReader(bytes)
        self = try reader.setUp()
        try reader.readState(into: &self)
        try reader.finish()
    }
}

extension StateWriter {
    fileprivate mutating func writeSetUp(of evaluator: Evaluator) {
        let options = evaluator.options
        write(evaluator.policies) { writer, policy in
            writer.write(policy.name)
            writer.write(policy.isLogged)
        }
        write(evaluator.armCount)
        write(evaluator.rewardModel) { $0.write($1) }
        write(evaluator.estimators.map(\.spelling)) { $0.write($1) }
        write(evaluator.terms.map { "\($0)" }) { $0.write($1) }
        write(options)
    }

    private mutating func write(_ options: EvaluationOptions) {
        write(options.intervals) { $0.write($1.rawValue) }
        write(options.level)
        write(options.resamples)
        write(options.seed)
        write(options.clustering == .unit)
        write(options.unitName)
        write(options.isForced)
        write(options.folds)
        write(options.fitting.rawValue)
        write(options.fittingRows)
        write(options.threadCount)
        write(options.excluded.sorted { $0.key < $1.key }) { writer, entry in
            writer.write(entry.key)
            writer.write(entry.value)
        }
        write(options.rewardRange) { writer, range in
            writer.write(range.lowerBound)
            writer.write(range.upperBound)
        }
        write(options.weightBound) { $0.write($1) }
        write(options.armNames) { $0.write($1) }
        write(options.discounts) { $0.write($1) }
        write(options.armCategories) { writer, categories in writer.write(categories) { $0.write($1) } }
        write(options.propensities == .estimated)
        write(options.windowSeconds) { $0.write($1) }
        write(options.clusterLimit)
        write(options.segmentBy) { $0.write($1) }
    }

    fileprivate mutating func writeState(of evaluator: Evaluator) {
        var evaluator = evaluator
        evaluator.flushSerially()
        write(evaluator.rowCount)
        write(evaluator.firstRow)
        write(evaluator.nextRow)
        write(evaluator.mergedRanges) { writer, range in
            writer.write(range.lowerBound)
            writer.write(range.upperBound)
        }
        write(evaluator.sums) { $0.write($1) }
        write(evaluator.rowsWithUnit)
        write(evaluator.rowsWithoutUnit)
        write(evaluator.units)
        write(evaluator.weights) { $0.write($1) }
        write(evaluator.bounds.rewardsAreBinary)
        write(evaluator.log)
        write(evaluator.course)
        for distribution in evaluator.distributions { write(distribution) }
        if let folds = evaluator.folds { write(folds) }
        write(evaluator.propensityRange) { writer, range in
            writer.write(range.lowerBound)
            writer.write(range.upperBound)
        }
        if let bootstrap = evaluator.bootstrap {
            write(bootstrap.sums.counts) { $0.write($1) }
            write(bootstrap.sums.sums) { $0.write($1) }
        }
        if let segments = evaluator.segments {
            write(segments.sorted) { writer, segment in
                writer.write(segment.key)
                writer.writeState(of: segment.evaluator)
            }
        }
    }

    private mutating func write(_ key: SegmentTable.Key) {
        switch key {
        case .value(let value):
            write(0)
            write(value)
        case .other: write(1)
        case .missing: write(2)
        }
    }
}

extension StateReader {
    /// An evaluator without rows.
    fileprivate mutating func setUp() throws(EvaluationError) -> Evaluator {
        let policies = try list(least: 9) { reader throws(EvaluationError) in
            let name = try reader.text()
            return EvaluatedPolicy(name: name, target: try reader.bool() ? .logged : .given)
        }
        let armCount = try count()
        let rewardModel = try optional { reader throws(EvaluationError) in try reader.text() }
        let spellings = try list(least: 8) { reader throws(EvaluationError) in try reader.text() }
        let terms = try list(least: 8) { reader throws(EvaluationError) in try reader.text() }
        var options = try self.options()
        // Memory grows with these, and so does what the state must hold.
        guard armCount >= 1, fits(armCount, of: 24 * max(1, policies.count)) else { throw Self.nonsense("number of arms") }
        guard !options.intervals.contains(.bootstrap) || fits(options.resamples, of: 8 * max(1, policies.count)) else {
            throw Self.nonsense("number of resamples")
        }
        do {
            options.estimators = try spellings.map { try EstimatorPanel.parse($0) }
            let evaluator = try Evaluator(policies: policies, armCount: armCount, options: options, rewardModel: rewardModel)
            guard evaluator.estimators.map(\.spelling) == spellings, evaluator.terms.map({ "\($0)" }) == terms else {
                throw Self.nonsense("list of estimators")
            }
            return evaluator
        } catch {
            throw .unreadableState("its set-up cannot be used (\(error)): make it again with this version of the program")
        }
    }

    private mutating func options() throws(EvaluationError) -> EvaluationOptions {
        var options = EvaluationOptions()
        options.intervals = try list(least: 8) { reader throws(EvaluationError) in
            guard let method = Interval.Method(rawValue: try reader.text()) else { throw Self.nonsense("list of intervals") }
            return method
        }
        options.level = try double()
        options.resamples = try count()
        options.seed = try unsigned()
        options.clustering = try bool() ? .unit : .row
        options.unitName = try text()
        options.isForced = try bool()
        options.folds = try count()
        guard let fitting = EvaluationOptions.Fitting(rawValue: try text()) else { throw Self.nonsense("way of fitting") }
        options.fitting = fitting
        options.fittingRows = try count()
        options.threadCount = try count()
        for _ in 0..<(try count()) {
            let reason = try text()
            options.excluded[reason] = try count()
        }
        options.rewardRange = try optional { reader throws(EvaluationError) in
            let (lower, upper) = (try reader.double(), try reader.double())
            guard lower <= upper else { throw Self.nonsense("reward range") }
            return lower...upper
        }
        options.weightBound = try optional { reader throws(EvaluationError) in try reader.double() }
        options.armNames = try list(least: 8) { reader throws(EvaluationError) in try reader.text() }
        options.discounts = try optional { reader throws(EvaluationError) in try reader.doubles() }
        options.armCategories = try optional { reader throws(EvaluationError) in
            try reader.list(least: 8) { reader throws(EvaluationError) in try reader.int() }
        }
        options.propensities = try bool() ? .estimated : .logged
        options.windowSeconds = try optional { reader throws(EvaluationError) in try reader.double() }
        options.clusterLimit = try count()
        options.segmentBy = try optional { reader throws(EvaluationError) in try reader.text() }
        return options
    }

    /// Fills an evaluator without rows.
    fileprivate mutating func readState(into evaluator: inout Evaluator) throws(EvaluationError) {
        let width = evaluator.sums.count
        evaluator.rowCount = try count()
        evaluator.firstRow = try count()
        evaluator.nextRow = try count()
        guard evaluator.nextRow >= evaluator.firstRow else { throw Self.nonsense("range of rows") }
        evaluator.mergedRanges = try list(least: 16) { reader throws(EvaluationError) in
            let (first, end) = (try reader.count(), try reader.count())
            guard first < end else { throw Self.nonsense("range of rows") }
            return first..<end
        }
        evaluator.sums = try list(least: 16) { reader throws(EvaluationError) in try reader.compensatedSum() }
        evaluator.rowsWithUnit = try coMoments(width: width)
        evaluator.rowsWithoutUnit = try coMoments(width: width)
        evaluator.units = try unitSums(width: width, bucketBits: evaluator.units.bucketBits)
        let armCount = evaluator.armCount
        evaluator.weights = try list(least: 8) { reader throws(EvaluationError) in try reader.weightStatistics(armCount: armCount) }
        evaluator.bounds = DeclaredBounds(rewardRange: evaluator.options.rewardRange, rewardsAreBinary: try bool())
        evaluator.sequences = nil
        evaluator.log = try logStatistics(armCount: armCount)
        evaluator.course = try course(policyCount: evaluator.policies.count, hasModel: evaluator.rewardModel != nil)
        for policy in evaluator.distributions.indices { evaluator.distributions[policy] = try weightDistribution() }
        if let folds = evaluator.folds { evaluator.folds = try foldSums(like: folds) }
        evaluator.propensityRange = try optional { reader throws(EvaluationError) in
            let (lower, upper) = (try reader.double(), try reader.double())
            guard lower <= upper else { throw Self.nonsense("range of propensities") }
            return lower...upper
        }
        guard evaluator.sums.count == width, evaluator.weights.count == evaluator.policies.count,
            evaluator.rowCount == evaluator.rowsWithUnit.rowCount + evaluator.rowsWithoutUnit.rowCount
        else { throw Self.nonsense("sums") }
        if let bootstrap = evaluator.bootstrap {
            let counts = try list(least: 32) { reader throws(EvaluationError) in try reader.four() }
            let sums = try list(least: 32) { reader throws(EvaluationError) in try reader.four() }
            guard let restored = BootstrapSums(groups: 0..<bootstrap.sums.groupCount, width: width - 1, counts: counts, sums: sums) else {
                throw Self.nonsense("bootstrap")
            }
            evaluator.bootstrap?.sums = restored
        }
        if let segments = evaluator.segments {
            let template = segments.template
            let parts = try list(least: 8) { reader throws(EvaluationError) -> (key: SegmentTable.Key, evaluator: Evaluator) in
                let key = try reader.segmentKey()
                var part = template
                try reader.readState(into: &part)
                return (key, part)
            }
            guard let table = SegmentTable(empty: template, parts: parts), parts.allSatisfy({ $0.evaluator.rowCount > 0 }) else {
                throw Self.nonsense("segments")
            }
            evaluator.segments = table
        }
    }

    private mutating func segmentKey() throws(EvaluationError) -> SegmentTable.Key {
        switch try int() {
        case 0: .value(try text())
        case 1: .other
        case 2: .missing
        default: throw Self.nonsense("segments")
        }
    }
}

import HaggleMath

/// Fits a network to rows in time order: minibatches, Adam, early stopping on the newest slice.
package enum NetworkTrainer {
    package struct Configuration: Hashable, Sendable {
        package var learningRate: Double
        /// Decoupled decay per step, as a multiple of the learning rate.
        package var weightDecay: Double
        /// Rows per minibatch.
        package var batch: Int
        /// Most passes over the training rows.
        package var epochs: Int
        /// Passes without improvement on the newest slice before training stops.
        package var patience: Int
        /// Share of the rows, the newest, that judge and do not train; 0 trains on all rows for all epochs.
        package var validationShare: Double
        /// Seed of the order in which rows are visited.
        package var seed: UInt64
        package var loss: TrainingLoss
        package var schedule: LearningSchedule.Kind
        /// Largest norm of a step's gradient; nil leaves it.
        package var clip: Double?
        /// Share of the hidden outputs that a step leaves out.
        package var dropout: Double

        package init(
            learningRate: Double = 0.002, weightDecay: Double = 0.0001, batch: Int = 256, epochs: Int = 30, patience: Int = 4,
            validationShare: Double = 0.2, seed: UInt64 = 1,
            loss: TrainingLoss = .squared, schedule: LearningSchedule.Kind = .constant, clip: Double? = nil, dropout: Double = 0
        ) {
            self.learningRate = learningRate
            self.weightDecay = weightDecay
            self.batch = batch
            self.epochs = epochs
            self.patience = patience
            self.validationShare = validationShare
            self.seed = seed
            self.loss = loss
            self.schedule = schedule
            self.clip = clip
            self.dropout = dropout
        }
    }

    /// Trains a network. Equal inputs give the same bits on one machine.
    /// - Parameters:
    ///   - network: where training starts.
    ///   - inputs: `rowCount` rows of `network.inputWidth` numbers, row-major, oldest first.
    ///   - head: which output each row trains.
    ///   - targets: one per row, standardised by the caller.
    ///   - hits: of `two-part` whether each row converted; nil for the other losses.
    ///   - weights: one per row, or nil for all 1.
    ///   - progress: called after every pass.
    ///   - observe: called after every pass with the weights and the gradients of its last step, layer by layer.
    /// - Returns: the network of the best pass, and what happened.
    /// - Throws: `NeuralNetworkError` where shapes do not fit, there are no rows, the loss stops being finite in the first pass, or the task
    ///   is cancelled (looked at before every pass).
    package static func train(
        _ network: MultilayerPerceptron, inputs: [Float], rowCount: Int, head: [Int32], targets: [Float], hits: [Bool]? = nil,
        weights: [Float]? = nil, configuration: Configuration, progress: ((EpochReport) -> Void)? = nil, observe: TensorObserver? = nil
    ) throws(NeuralNetworkError) -> (network: MultilayerPerceptron, report: TrainingReport) {
        try check(network, inputs, rowCount, head, targets, hits, weights, configuration.loss)
        let validationCount = min(rowCount - 1, Int((Double(rowCount) * configuration.validationShare).rounded()))
        let trainingCount = rowCount - validationCount
        let batch = max(1, min(configuration.batch, trainingCount))
        // Batches of even sizes, so that no last row takes a step of its own.
        let batchCount = (trainingCount + batch - 1) / batch
        var current = network
        var passes = Backpropagation(
            for: network, capacity: max(batch, min(validationCount, 1024)), loss: configuration.loss, dropout: configuration.dropout,
            seed: configuration.seed)
        var adam = Adam(
            learningRate: configuration.learningRate, weightDecay: configuration.weightDecay, decayed: passes.decayed,
            parameterCount: network.parameterCount,
            schedule: LearningSchedule(kind: configuration.schedule, steps: batchCount * max(1, configuration.epochs)),
            clip: configuration.clip)
        var generator = SeededGenerator(seed: configuration.seed, stream: 0x7472_6169)
        var order = Array(0..<trainingCount)
        let judges = Array(trainingCount..<rowCount)
        var report = TrainingReport(
            trainingCount: trainingCount, validationCount: validationCount,
            initialValidationLoss: validationCount > 0
                ? loss(of: current, over: judges, inputs, head, targets, hits, weights, &passes) : nil)
        var best = current
        for epoch in 1...max(1, configuration.epochs) {
            guard !Task.isCancelled else { throw .cancelled }
            order.shuffle(using: &generator)
            var sum = 0.0
            for index in 0..<batchCount {
                let rows = order[index * trainingCount / batchCount..<(index + 1) * trainingCount / batchCount]
                sum += passes.run(
                    current, rows: rows, inputs: inputs, head: head, targets: targets, hits: hits, weights: weights, backward: true)
                adam.update(&current.parameters, gradient: passes.gradient)
            }
            let validation = validationCount > 0 ? loss(of: current, over: judges, inputs, head, targets, hits, weights, &passes) : nil
            let entry = EpochReport(epoch: epoch, trainingLoss: sum / Double(trainingCount), validationLoss: validation)
            guard entry.trainingLoss.isFinite, validation?.isFinite ?? true else {
                if report.bestEpoch == 0 { throw .diverged(epoch: epoch) }
                break
            }
            report.epochs.append(entry)
            progress?(entry)
            observe?(entry, current.tensors(gradient: passes.gradient))
            let judged = validation ?? entry.trainingLoss
            if validation == nil || judged < report.bestLoss {
                report.bestLoss = judged
                report.bestEpoch = epoch
                best = current
            } else if epoch - report.bestEpoch >= configuration.patience {
                break
            }
        }
        return (best, report)
    }

    private static func loss(
        of network: MultilayerPerceptron, over rows: [Int], _ inputs: [Float], _ head: [Int32], _ targets: [Float], _ hits: [Bool]?,
        _ weights: [Float]?,
        _ passes: inout Backpropagation
    ) -> Double {
        var sum = 0.0
        for start in stride(from: 0, to: rows.count, by: 1024) {
            sum += passes.run(
                network, rows: rows[start..<min(start + 1024, rows.count)], inputs: inputs, head: head, targets: targets,
                hits: hits, weights: weights, backward: false)
        }
        return sum / Double(rows.count)
    }

    private static func check(
        _ network: MultilayerPerceptron, _ inputs: [Float], _ rowCount: Int, _ head: [Int32], _ targets: [Float], _ hits: [Bool]?,
        _ weights: [Float]?, _ loss: TrainingLoss
    ) throws(NeuralNetworkError) {
        guard rowCount > 0 else { throw .noRows }
        guard inputs.count == rowCount * network.inputWidth, head.count == rowCount, targets.count == rowCount,
            weights.map({ $0.count == rowCount }) ?? true, (hits?.count ?? 0) == (loss == .twoPart ? rowCount : 0)
        else { throw .shapeMismatch(rowCount: rowCount, inputWidth: network.inputWidth) }
        guard head.allSatisfy({ $0 >= 0 && (Int($0) + 1) * loss.outputsPerHead <= network.outputWidth }) else {
            throw .unknownHead(outputWidth: network.outputWidth / loss.outputsPerHead)
        }
        guard inputs.allSatisfy(\.isFinite), targets.allSatisfy(\.isFinite) else { throw .notFinite }
    }
}

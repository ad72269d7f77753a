import Evaluation
import Foundation
import NeuralNetwork
package import Reporting

/// A search as TensorBoard shows it: a folder for every configuration with its hyper-parameters and results, and in it one for every fold
/// with its learning curves and histograms.
package struct TensorBoardFolder: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Writes a fold's curves and, where they were recorded, histograms of weights and gradients.
    ///
    /// Replaces what an earlier run of the program wrote there, unless the fold was only found in the state and an earlier file may hold
    /// its histograms.
    /// - Throws: `TrainingError.unwritable`.
    package func write(_ step: ModelSearch.Step, wallTime: Double) throws(TrainingError) {
        let folder = "\(path)/\(Self.name(step.combination + 1))/fold-\(step.fold + 1)"
        if step.tensors.isEmpty, hasEvents(folder) { return }
        var file = TensorBoardFile(wallTime: wallTime)
        for epoch in step.outcome.epochs {
            file.addScalar("loss/training", epoch.trainingLoss, step: epoch.epoch, wallTime: wallTime)
            if let loss = epoch.validationLoss { file.addScalar("loss/validation", loss, step: epoch.epoch, wallTime: wallTime) }
        }
        for pass in step.tensors {
            for tensor in pass.tensors {
                file.addHistogram("weights/\(tensor.name)", tensor.weights, step: pass.epoch, wallTime: wallTime)
                file.addHistogram("gradients/\(tensor.name)", tensor.gradients, step: pass.epoch, wallTime: wallTime)
            }
        }
        if let loss = step.outcome.loss {
            file.addScalar("held_out/loss", loss, step: step.outcome.bestEpoch ?? 0, wallTime: wallTime)
        }
        try write(file, to: folder, wallTime: wallTime)
    }

    /// Writes a session of the hparams plugin for every configuration: a row of its table, with loss and value.
    /// - Throws: `TrainingError.unwritable`.
    package func write(_ report: ModelSearchReport, wallTime: Double) throws(TrainingError) {
        for configuration in report.configurations {
            var file = TensorBoardFile(wallTime: wallTime)
            var values = ["configuration": TensorBoardFile.Value.number(Double(configuration.number))]
            for setting in configuration.settings { values[setting.key] = Self.value(setting.value) }
            file.addSessionStart(values, group: configuration.name, wallTime: wallTime)
            if let loss = configuration.loss { file.addScalar("result/validation_loss", loss, step: 0, wallTime: wallTime) }
            if let error = configuration.lossError {
                file.addScalar("result/validation_loss_standard_error", error, step: 0, wallTime: wallTime)
            }
            for estimate in configuration.value?.estimates ?? [] {
                guard let value = estimate.value else { continue }
                file.addScalar("result/value_\(estimate.estimator.lowercased())", value, step: 0, wallTime: wallTime)
            }
            file.addScalar("result/training_seconds", configuration.seconds, step: 0, wallTime: wallTime)
            file.addSessionEnd(configuration.loss == nil ? .failure : .success, wallTime: wallTime)
            try write(file, to: "\(path)/\(Self.name(configuration.number))", wallTime: wallTime)
        }
    }

    /// `007`, so that names sort as numbers do.
    private static func name(_ number: Int) -> String { String(repeating: "0", count: max(0, 3 - "\(number)".count)) + "\(number)" }

    private static func value(_ text: String) -> TensorBoardFile.Value {
        if let number = Double(text) { return .number(number) }
        return text == "true" ? .flag(true) : text == "false" ? .flag(false) : .text(text)
    }

    private func events(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasPrefix("events.out.tfevents.") && $0.hasSuffix(".haggle")
        }
    }

    private func hasEvents(_ folder: String) -> Bool { !events(folder).isEmpty }

    private func write(_ file: TensorBoardFile, to folder: String, wallTime: Double) throws(TrainingError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for name in events(folder) { try FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
            try Data(file.bytes).write(to: URL(filePath: "\(folder)/\(TensorBoardFile.name(wallTime: wallTime))"))
        } catch {
            throw .unwritable(path: folder, reason: error.localizedDescription)
        }
    }
}

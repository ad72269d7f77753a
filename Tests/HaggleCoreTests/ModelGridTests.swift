import HaggleCore
import Testing

@Suite struct ModelGridTests {
    private typealias Model = PolicyConfiguration.Model

    @Test func everyChoiceOfOneValueAnAxisComesOnce() {
        let grid = ModelGrid(
            base: Model(epochs: 7),
            axes: [
                GridAxis(name: "hidden", values: [.hidden([8]), .hidden([64, 32])]),
                GridAxis(name: "learning_rate", values: [.learningRate(0.001), .learningRate(0.01), .learningRate(1)]),
            ])
        #expect(grid.size == 6)
        let combinations = grid.combinations
        #expect(
            combinations.map(\.text) == [
                "hidden: [8], learning_rate: 0.001", "hidden: [8], learning_rate: 0.01", "hidden: [8], learning_rate: 1",
                "hidden: [64, 32], learning_rate: 0.001", "hidden: [64, 32], learning_rate: 0.01", "hidden: [64, 32], learning_rate: 1",
            ])
        #expect(combinations[4].model == Model(hidden: [64, 32], learningRate: 0.01, epochs: 7))
    }

    @Test func aGridWithoutAxesIsItsModelAndAnEmptyAxisLeavesNothing() {
        #expect(ModelGrid(base: Model()).combinations.map(\.text) == [""])
        let empty = ModelGrid(base: Model(), axes: [GridAxis(name: "loss", values: [])])
        #expect(empty.size == 0 && empty.combinations.isEmpty)
    }

    /// A linear model has no layers, and a kernel is of convolutions only.
    @Test func choicesThatMeanTheSameAreTriedOnce() {
        let grid = ModelGrid(
            base: Model(),
            axes: [
                GridAxis(name: "kind", values: [.kind(.linear), .kind(.mlp), .kind(.cnn)]),
                GridAxis(name: "hidden", values: [.hidden([8]), .hidden([16])]),
                GridAxis(name: "kernel", values: [.kernel(2), .kernel(3)]),
            ])
        #expect(
            grid.combinations.map(\.text) == [
                "kind: linear", "kind: mlp, hidden: [8]", "kind: mlp, hidden: [16]", "kind: cnn, hidden: [8], kernel: 2",
                "kind: cnn, hidden: [8], kernel: 3", "kind: cnn, hidden: [16], kernel: 2", "kind: cnn, hidden: [16], kernel: 3",
            ])
    }

    /// What is written into a file names every axis, or a list would stay in it.
    @Test func choicesNameEveryAxis() {
        let grid = ModelGrid(
            base: Model(),
            axes: [GridAxis(name: "kind", values: [.kind(.linear)]), GridAxis(name: "hidden", values: [.hidden([8]), .hidden([16])])])
        let only = grid.combinations
        #expect(only.count == 1 && only[0].text == "kind: linear")
        #expect(only[0].choices.map { "\($0.key): \($0.text)" } == ["kind: linear", "hidden: [8]"])
    }

    @Test(arguments: [
        (ModelSetting.kind(.gru), "kind", "gru"), (.hidden([]), "hidden", "[]"), (.activation(.gelu), "activation", "gelu"),
        (.loss(.twoPart), "loss", "two-part"), (.dropout(0.25), "dropout", "0.25"), (.learningRate(0.00002), "learning_rate", "2e-05"),
        (.weightDecay(0), "weight_decay", "0"), (.batch(64), "batch", "64"), (.epochs(9), "epochs", "9"), (.patience(2), "patience", "2"),
        (.units(32), "units", "32"), (.kernel(5), "kernel", "5"), (.schedule(.cosine), "schedule", "cosine"), (.clip(1), "clip", "1"),
        (.clip(nil), "clip", "null"), (.layerNorm(true), "layer_norm", "true"), (.residual(false), "residual", "false"),
    ])
    func aSettingIsWrittenAsInTheFile(setting: ModelSetting, key: String, text: String) {
        #expect(setting.key == key && setting.text == text)
        var model = Model(layerNorm: false, residual: true)
        setting.apply(to: &model)
        switch setting {
        case .kind(let value): #expect(model.kind == value)
        case .hidden(let value): #expect(model.hidden == value)
        case .activation(let value): #expect(model.activation == value)
        case .loss(let value): #expect(model.loss == value)
        case .dropout(let value): #expect(model.dropout == value)
        case .learningRate(let value): #expect(model.learningRate == value)
        case .weightDecay(let value): #expect(model.weightDecay == value)
        case .batch(let value): #expect(model.batch == value)
        case .epochs(let value): #expect(model.epochs == value)
        case .patience(let value): #expect(model.patience == value)
        case .units(let value): #expect(model.units == value)
        case .kernel(let value): #expect(model.kernel == value)
        case .schedule(let value): #expect(model.schedule == value)
        case .clip(let value): #expect(model.clip == value)
        case .layerNorm(let value): #expect(model.layerNorm == value)
        case .residual(let value): #expect(model.residual == value)
        }
    }

    @Test func aSizeBeyondAllNumbersDoesNotOverflow() {
        let axis = GridAxis(name: "batch", values: (1...1000).map { .batch($0) })
        #expect(ModelGrid(base: Model(), axes: [GridAxis](repeating: axis, count: 9)).size == Int.max)
    }
}

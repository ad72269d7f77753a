import Policies
import Testing

@Suite struct ColumnScalingTests {
    /// A number, an indicator, a constant and an all-zero indicator.
    static let rows: [Float] = [
        10, 0, 7.5, 0,
        20, 1, 7.5, 0,
        30, 0, 7.5, 0,
        40, 1, 7.5, 0,
    ]

    @Test func numbersAreStandardisedAndIndicatorsLeftAlone() {
        let scaling = ColumnScaling(fittedTo: Self.rows, width: 4)
        // Mean 25, variance 125 (dividing by n).
        var row: [Float] = [25 + Float(125).squareRoot(), 1, 7.5, 1]
        scaling.apply(&row)
        #expect(abs(row[0] - 1) < 1e-6)
        #expect(row[1...] == [1, 0, 1])
    }

    @Test func farValuesAreCut() {
        let scaling = ColumnScaling(fittedTo: Self.rows, width: 4)
        var row: [Float] = [.greatestFiniteMagnitude, 0, 1e9, 0]
        scaling.apply(&row)
        #expect(row == [20, 0, 0, 0])
        row = [-1e30, 0, -1e9, 0]
        scaling.apply(&row)
        #expect(row == [-20, 0, 0, 0])
    }

    @Test func withoutRowsNothingIsScaled() {
        let scaling = ColumnScaling(fittedTo: [], width: 2)
        var row: [Float] = [3, 0.5]
        scaling.apply(&row)
        #expect(row == [3, 0.5])
        #expect(ColumnScaling(fittedTo: [], width: 0).factors == [])
    }

    @Test func storedValuesMustFit() {
        #expect(ColumnScaling(means: [1], factors: [1, 2]) == nil)
        #expect(ColumnScaling(means: [.nan], factors: [1]) == nil)
    }
}

import Evaluation

extension Diagnostics {
    /// The numbers behind the verdict, each with what is wanted of it.
    func table(rowCount: Int) -> TextTable {
        var table = TextTable(caption: "What the verdict rests on", columns: [.text("diagnostic"), .number("value"), .text("wanted")])
        let standardErrors = meanWeightZ.map { ", \(NumberFormat.fixed($0, decimals: 1)) SE from 1" } ?? ""
        let notCheckable = "not checkable"
        let rows: [(String, String, String)] = [
            (
                "effective sample",
                "\(NumberFormat.fixed(effectiveSampleSize, decimals: 0)) of \(NumberFormat.count(rowCount)), "
                    + NumberFormat.percent(effectiveSampleShare), "50 or more, 1% or more"
            ),
            (
                "effective, with a reward",
                "\(NumberFormat.fixed(rewardedEffectiveSampleSize, decimals: 0)) of \(NumberFormat.count(rewardedRowCount))", "10 or more"
            ),
            ("mean weight", NumberFormat.significant(meanWeight) + standardErrors, "near 1"),
            (
                "largest weight",
                "\(NumberFormat.significant(maximumWeight, digits: 3)), \(NumberFormat.percent(maximumWeightShare)) of all weight",
                "20% or less"
            ),
            ("heaviest 1% of rows", NumberFormat.percent(topPercentWeightShare) + " of all weight", ""),
            ("Pareto k", paretoK.map { NumberFormat.fixed($0, decimals: 2) } ?? "too few weights", "0.7 or less"),
            (
                "mass where propensity < 0.01", targetMassOnRareArms.map { NumberFormat.percent($0, decimals: 2) } ?? notCheckable, ""
            ),
            (
                "mass where propensity is 0", targetMassOnImpossibleArms.map { NumberFormat.percent($0, decimals: 2) } ?? notCheckable,
                "1% or less"
            ),
            (
                "estimators disagree by",
                estimatorDisagreement.map { NumberFormat.fixed($0, decimals: 1) + " SE" } ?? "nothing to compare", "2 SE or less"
            ),
            (
                "arms off their propensities",
                armFrequencies.map { "\(NumberFormat.count($0.flagged.count)) of \(NumberFormat.count($0.testCount)) tests" }
                    ?? notCheckable,
                "none"
            ),
        ]
        for (name, value, wanted) in rows { table.append([name, value, wanted]) }
        return table
    }
}

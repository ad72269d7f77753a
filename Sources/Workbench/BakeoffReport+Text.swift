package import Policies
import Reporting

extension BakeoffReport {
    /// The report for a person, best algorithm first.
    package func text(isTerminal: Bool = false) -> String {
        var table = TextTable(columns: [
            .text("policy"), .number("average reward"), .number("expected"), .number("lowest game"), .number("highest game"),
            .number("seconds a game"), .number("rounds/s"),
        ])
        for entry in policies.sorted(by: { $0.averageReward > $1.averageReward }) {
            let rewards = entry.games.map(\.averageReward)
            table.append([
                entry.policy, NumberFormat.fixed(entry.averageReward, decimals: 4), NumberFormat.fixed(entry.expectedReward, decimals: 4),
                NumberFormat.fixed(rewards.min() ?? .nan, decimals: 4), NumberFormat.fixed(rewards.max() ?? .nan, decimals: 4),
                NumberFormat.fixed(entry.seconds, decimals: 1), NumberFormat.count(Int(entry.roundsPerSecond)),
            ])
        }
        let games = policies.first?.games.count ?? 0
        let section = ReportSection(
            title: "Bakeoff",
            paragraphs: [
                "\(NumberFormat.count(rounds)) rounds, \(arms) arms, \(games) \(games == 1 ? "game" : "games") each. Reward 1 for the right arm."
            ],
            tables: [table],
            notes: ["expected: mean probability given to the right arm, the average reward without the luck of the draws."])
        return section.text(isTerminal: isTerminal)
    }

    /// Mean reward so far over the rounds, one line a policy, as an SVG file; the bands reach from the lowest to the highest game.
    package func curveSVG() -> String {
        let series = policies.enumerated().map { index, entry in
            LineChart.Series(
                name: entry.policy, colour: .series(index),
                points: zip(curveRounds, entry.curve).enumerated().map { point, values in
                    let games = entry.games.map { $0.curve[point] }
                    return LineChart.Point(
                        x: Double(values.0),
                        estimate: IntervalEstimate(
                            value: values.1, lower: games.min() ?? values.1, upper: games.max() ?? values.1, level: 1,
                            method: "lowest to highest game"))
                })
        }
        return LineChart(title: "Mean reward so far", axis: .number("rounds"), quantity: .plain, series: series)
            .svg(id: "bakeoff", embedsStyle: true)
    }
}

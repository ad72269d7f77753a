package import HaggleCore

/// Several algorithms on the same labelled rows, each in every order and with every seed, as many at a time as there are cores.
package struct Bakeoff: Sendable {
    package struct Contestant: Sendable {
        /// As the user named it.
        package var name: String
        package var configuration: PolicyConfiguration

        package init(name: String, configuration: PolicyConfiguration) {
            self.name = name
            self.configuration = configuration
        }
    }

    package let rows: LabelledRows
    package let orders: [[Int]]
    package let contestants: [Contestant]
    package let seeds: [UInt64]

    /// - Parameters:
    ///   - orders: orders of play; none means the order of the rows.
    ///   - seeds: one game of every contestant in every order for each.
    /// - Precondition: all orders are equally long; at least one seed.
    package init(rows: LabelledRows, orders: [[Int]], contestants: [Contestant], seeds: [UInt64]) {
        let orders = orders.isEmpty ? [Array(0..<rows.count)] : orders
        precondition(!seeds.isEmpty && orders.allSatisfy { $0.count == orders[0].count }, "orders of one length, and a seed")
        self.rows = rows
        self.orders = orders
        self.contestants = contestants
        self.seeds = seeds
    }

    /// Rounds of all games together.
    package var totalRounds: Int { contestants.count * orders.count * seeds.count * orders[0].count }

    /// Plays all games. The result does not depend on how many run at a time, except for the seconds.
    /// - Parameters:
    ///   - concurrency: games at a time, at least 1.
    ///   - progress: called now and then with the number of further rounds played, from any thread.
    /// - Throws: what `BakeoffRun` throws; the other games are then cancelled.
    package func callAsFunction(concurrency: Int, progress: (@Sendable (Int) -> Void)? = nil) async throws -> BakeoffReport {
        var games: [(contestant: Int, order: Int, seed: UInt64)] = []
        for contestant in contestants.indices {
            for order in orders.indices { for seed in seeds { games.append((contestant, order, seed)) } }
        }
        var results = [BakeoffRun.Result?](repeating: nil, count: games.count)
        try await withThrowingTaskGroup(of: (Int, BakeoffRun.Result).self) { group in
            var next = 0
            func start() {
                guard next < games.count else { return }
                let (index, game) = (next, games[next])
                let run = BakeoffRun(
                    rows: rows, order: orders[game.order], configuration: contestants[game.contestant].configuration, seed: game.seed)
                group.addTask { (index, try await run(progress: progress)) }
                next += 1
            }
            for _ in 0..<max(1, concurrency) { start() }
            while let (index, result) = try await group.next() {
                results[index] = result
                start()
            }
        }
        let perContestant = orders.count * seeds.count
        return BakeoffReport(
            rounds: orders[0].count, arms: rows.arms.count,
            policies: contestants.enumerated().map { index, contestant in
                let range = index * perContestant..<(index + 1) * perContestant
                return BakeoffReport.Entry(
                    policy: contestant.name,
                    games: zip(games[range], results[range].compactMap { $0 }).map { game, result in
                        (order: game.order, seed: game.seed, result: result)
                    }, rounds: orders[0].count)
            })
    }
}

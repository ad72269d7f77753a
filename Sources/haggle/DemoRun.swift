import Catalog
import Evaluation
import EventLog
import ExampleExperiments
import Foundation
import HaggleCore
import HaggleServer
import Logging
import Policies
import Postgres
import Reporting
import Simulation
import Workbench

/// The demo: server and workbench joined over HTTP, on a database of its own.
struct DemoRun {
    let customers: Int
    let seed: UInt64
    let perSecond: Double
    let target: ConnectionTarget
    let logger: Logger
    let say: (String) -> Void

    private static let key: ExperimentKey = "shop-demo"
    /// The share of customers after whom the policy to be evaluated is taken; what comes later judges it.
    private static let judgedFrom = 0.6
    /// The experiment squeezes a week into two seconds.
    private static let secondsPerDay = 2.0 / 7
    /// Customers over whom true values are enumerated: others than those who visit.
    private static let populationCount = 20_000

    func run() async throws -> DemoSummary {
        let start = ContinuousClock.now
        let pool = ConnectionPool(target: target, size: 3, waitSeconds: 10, logger: logger)
        let result: DemoSummary
        do {
            result = try await run(pool, since: start)
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
        return result
    }

    private func run(_ pool: ConnectionPool, since start: ContinuousClock.Instant) async throws -> DemoSummary {
        say("2/5  experiment: \(Self.key), 5 discounts, neural Thompson sampling (experiments/shop-demo.yaml)")
        let file = try ExperimentFolder(text: ExampleExperiments.shopDemo, name: "shop-demo.yaml").valid()
        _ = try await Application(pool: pool).apply(file, confirmed: false, by: "demo")
        let shop = Shop(.init(seed: seed, isSeasonal: false, secondsPerDay: Self.secondsPerDay))
        let visited = try await serveAndShop(shop, pool)
        say("4/5  true values, by enumeration over \(NumberFormat.count(Self.populationCount)) customers")
        let population = customers..<customers + Self.populationCount
        let truth = shop.truth(over: population)
        let final = try await snapshot(nil, pool)
        let learned = shop.value(of: SnapshotPolicy(final), over: population)
        say("5/5  off-policy evaluation on the customers who came after snapshot \(visited.judged.version) was taken")
        let offPolicy = try await evaluate(shop, visited, population: population, truth: truth, pool)
        let counts = try await counts(pool)
        guard counts.impressions == visited.outcome.assignments, counts.conversions == visited.outcome.conversions else {
            throw DemoError.countsDiffer(
                assignments: visited.outcome.assignments, impressions: counts.impressions, accepted: visited.outcome.conversions,
                conversions: counts.conversions)
        }
        let elapsed = (ContinuousClock.now - start).components
        return DemoSummary(
            seed: seed, assignments: visited.outcome.assignments, impressionsLogged: counts.impressions,
            conversionsLogged: counts.conversions, snapshots: final.version.rawValue,
            trueValue: .init(policy: learned, uniform: truth.uniform, control: truth.control, best: truth.best), offPolicy: offPolicy,
            seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18)
    }

    private struct Visited {
        var outcome: ShopTraffic.Outcome
        /// The snapshot that served when the judged part of the customers began to arrive.
        var judged: ServingSnapshot
        var judgedSince: Timestamp
    }

    /// Runs the service and sends it all customers over HTTP.
    private func serveAndShop(_ shop: Shop, _ pool: ConnectionPool) async throws -> Visited {
        let (ports, opened) = AsyncStream.makeStream(of: Int.self)
        return try await withThrowingTaskGroup(of: Visited?.self) { group in
            let service = HaggleService(.init(target: target, port: 0), logger: logger) { port in
                opened.yield(port)
                opened.finish()
            }
            group.addTask {
                // Cancelled when the customers have gone; the service then finishes what is in flight.
                try await service.run(signals: false)
                return nil
            }
            var port: Int?
            for await opened in ports { port = opened }
            guard let port else { throw DemoError.serviceDidNotStart }
            say("3/5  serving on http://127.0.0.1:\(port); \(NumberFormat.count(customers)) customers arrive, \(Int(perSecond)) a second")
            let visited = try await ServiceClient.with(server: "http://127.0.0.1:\(port)") { client in
                try await shopping(shop, client, pool)
            }
            group.cancelAll()
            while let _ = try? await group.next() {}
            return visited
        }
    }

    private func shopping(_ shop: Shop, _ client: ServiceClient, _ pool: ConnectionPool) async throws -> Visited {
        let traffic = ShopTraffic(shop: shop, experiment: Self.key, perSecond: perSecond)
        let progress = Progress("     customers", total: customers)
        let cut = Int(Double(customers) * Self.judgedFrom)
        let first = try await traffic.run(visits: 0..<cut, through: client) { progress.report($0) }
        // Windows close and the learner folds before the judged policy is taken.
        try await waitUntilLearned(pool)
        let judged = try await snapshot(nil, pool)
        let since = Timestamp(seconds: Date().timeIntervalSince1970)
        let second = try await traffic.run(visits: cut..<customers, through: client) { progress.report(cut + $0) }
        try await waitUntilLearned(pool)
        progress.finish()
        var outcome = first
        outcome.assignments += second.assignments
        outcome.conversions += second.conversions
        return Visited(outcome: outcome, judged: judged, judgedSince: since)
    }

    /// Waits until no contribution is open and the newest snapshot holds them all; gives up after a minute.
    private func waitUntilLearned(_ pool: ConnectionPool) async throws {
        for _ in 0..<600 {
            try await Task.sleep(for: .milliseconds(100))
            let isDone = try await pool.withConnection { connection in
                let row = try await connection.query(
                    """
                    SELECT (SELECT count(*) FROM impressions WHERE experiment = \(Self.key) AND reason = 'POLICY')
                         - (SELECT count(*) FROM contributions WHERE experiment = \(Self.key) AND reward IS NOT NULL) AS open
                    """)[0]
                guard try row.decode("open", as: Int.self) == 0 else { return false }
                guard let state = try await Catalog.learnerState(of: Self.key, on: connection),
                    let newest = try await Catalog.newestSnapshot(of: Self.key, on: connection)
                else { return false }
                return try ServingSnapshot(serialised: state.bytes).posterior == ServingSnapshot(serialised: newest.bytes).posterior
            }
            if isDone { return }
        }
        throw DemoError.learnerIsBehind
    }

    private func snapshot(_ version: SnapshotVersion?, _ pool: ConnectionPool) async throws -> ServingSnapshot {
        try await pool.withConnection { connection in
            guard let newest = try await Catalog.newestSnapshot(of: Self.key, on: connection) else { throw DemoError.noSnapshot }
            return try ServingSnapshot(serialised: newest.bytes)
        }
    }

    /// Evaluates the judged snapshot, an even split and no discount on rows that the snapshot was not trained on, and holds every interval
    /// against the truth.
    private func evaluate(
        _ shop: Shop, _ visited: Visited, population: Range<Int>, truth: ShopTruth, _ pool: ConnectionPool
    ) async throws -> [DemoSummary.OffPolicy] {
        let experiment = try await pool.withConnection { try await Catalog.experiment(Self.key, on: $0).experiment }
        let source = try await PostgresInteractionSource.open(
            pool: pool, experiment: experiment, filter: .init(since: visited.judgedSince, onlyMatured: true),
            asOf: Timestamp(seconds: Date().timeIntervalSince1970))
        let count = experiment.arms.count
        let policies: [(name: String, policy: any Policy, truth: Double)] = [
            (
                "snapshot:\(visited.judged.version)", SnapshotPolicy(visited.judged),
                shop.value(of: SnapshotPolicy(visited.judged), over: population)
            ),
            ("uniform", UniformPolicy(armCount: count), truth.uniform),
            ("arm:none", FixedPolicy(arm: experiment.controlIndex, armCount: count, controlIndex: experiment.controlIndex), truth.control),
        ]
        var options = EvaluationOptions()
        options.excluded = source.excluded
        let report = try await Evaluation.evaluate(
            source: source, policies: policies.map { EvaluatedPolicy($0.name, $0.policy) }, options: options,
            rewardModel: LinearRewardTrainer(schema: experiment.context))
        var estimates: [DemoSummary.OffPolicy] = []
        for (name, _, truth) in policies {
            for estimator in ["SNIPS", "DR"] {
                guard let estimate = report.policies.first(where: { $0.policy == name })?.estimate(estimator), let value = estimate.value,
                    let interval = estimate.intervals.first
                else { continue }
                estimates.append(
                    .init(policy: name, estimator: estimator, value: value, lower: interval.lower, upper: interval.upper, truth: truth))
            }
        }
        return estimates
    }

    private func counts(_ pool: ConnectionPool) async throws -> (impressions: Int, conversions: Int) {
        let row = try await pool.withConnection {
            try await $0.query(
                "SELECT (SELECT count(*) FROM impressions) AS impressions, (SELECT count(*) FROM conversions) AS conversions")[0]
        }
        return (try row.decode("impressions", as: Int.self), try row.decode("conversions", as: Int.self))
    }
}

/// What can go wrong in a demo.
enum DemoError: Error, CustomStringConvertible {
    case serviceDidNotStart
    case learnerIsBehind
    case noSnapshot
    case countsDiffer(assignments: Int, impressions: Int, accepted: Int, conversions: Int)

    var description: String {
        switch self {
        case .serviceDidNotStart: "the service did not start; run again with HAGGLE_LOG=debug to see why"
        case .learnerIsBehind: "the learner did not catch up within a minute; is the machine very busy?"
        case .noSnapshot: "there is no serving snapshot"
        case .countsDiffer(let assignments, let impressions, let accepted, let conversions):
            "the log does not agree with what the clients were told: \(assignments) assignments answered and \(impressions) logged, "
                + "\(accepted) conversions accepted and \(conversions) logged"
        }
    }
}

package import HaggleCore
package import Simulation
import Synchronization

/// Drives a service with the customers of a simulated shop: each visits once, is given an arm, and buys or not as the shop decides; purchases
/// and refunds are reported when their delay has passed.
package struct ShopTraffic: Sendable {
    /// What the clients were told; the log must agree.
    package struct Outcome: Sendable, Hashable {
        /// Assignments that were answered.
        package var assignments = 0
        /// Conversions that the service accepted.
        package var conversions = 0
        package var assignmentsByArm: [ArmKey: Int] = [:]
        package var assignmentsByReason: [Reason: Int] = [:]
        package var seconds = 0.0
    }

    package let shop: Shop
    package let experiment: ExperimentKey
    /// Customers arrive at this rate.
    package let perSecond: Double
    /// Requests in flight at most.
    package let concurrency: Int

    package init(shop: Shop, experiment: ExperimentKey, perSecond: Double, concurrency: Int = 16) {
        self.shop = shop
        self.experiment = experiment
        self.perSecond = perSecond
        self.concurrency = concurrency
    }

    private struct Due: Sendable {
        let at: ContinuousClock.Instant
        let conversion: ServiceClient.OutgoingConversion
    }

    private struct State: Sendable {
        var outcome = Outcome()
        var due: [Due] = []
        var next: Int
        var arrivalsEnded = false
    }

    /// The state that the visitors and the reporter share.
    private final class Shared: Sendable {
        private let state: Mutex<State>

        init(_ state: State) { self.state = Mutex(state) }

        func withLock<Value>(_ body: (inout sending State) -> sending Value) -> sending Value { state.withLock(body) }
    }

    /// Sends the visits of a range and waits until their last conversion has been reported.
    /// - Parameter progress: called with the number of assignments answered so far, now and then.
    package func run(
        visits: Range<Int>, through client: ServiceClient, progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Outcome {
        let clock = ContinuousClock()
        let start = clock.now
        let state = Shared(State(next: visits.lowerBound))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await report(state, through: client) }
            try await withThrowingTaskGroup(of: Void.self) { visitors in
                for _ in 0..<concurrency {
                    visitors.addTask {
                        while let visit = take(state, upTo: visits.upperBound) {
                            try await clock.sleep(until: start + .seconds(Double(visit - visits.lowerBound) / perSecond))
                            try await serve(visit, state, through: client)
                            if visit % 50 == 0 { progress(visit - visits.lowerBound) }
                        }
                    }
                }
                try await visitors.waitForAll()
            }
            state.withLock { $0.arrivalsEnded = true }
            try await group.waitForAll()
        }
        var outcome = state.withLock { $0.outcome }
        let elapsed = (clock.now - start).components
        outcome.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        return outcome
    }

    private func take(_ state: Shared, upTo end: Int) -> Int? {
        state.withLock { state in
            guard state.next < end else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    private func serve(_ visit: Int, _ state: Shared, through client: ServiceClient) async throws {
        let customer = shop.customer(at: visit)
        let answer = try await client.assign(experiment, unit: customer.unit, context: customer.context)
        guard let arm = shop.arms.firstIndex(where: { $0.key == answer.arm }) else {
            throw WorkbenchError.unknownArm(answer.arm, experiment: experiment, expected: shop.arms.map(\.key))
        }
        let now = ContinuousClock.now
        let due = shop.outcome(of: customer, arm: arm).enumerated().map { index, conversion in
            Due(
                at: now + .seconds(conversion.delayDays * shop.configuration.secondsPerDay),
                conversion: .init(
                    conversionID: "\(answer.impressionID)-\(index)", impressionID: answer.impressionID, kind: conversion.kind.rawValue,
                    value: conversion.value))
        }
        state.withLock { state in
            state.outcome.assignments += 1
            state.outcome.assignmentsByArm[answer.arm, default: 0] += 1
            state.outcome.assignmentsByReason[answer.reason, default: 0] += 1
            state.due += due
        }
    }

    /// Reports what is due every few hundredths of a second, in batches, until nobody arrives any more and nothing is due.
    private func report(_ state: Shared, through client: ServiceClient) async throws {
        while true {
            let now = ContinuousClock.now
            let (batch, isOver) = state.withLock { state -> ([ServiceClient.OutgoingConversion], Bool) in
                let due = state.due.filter { $0.at <= now }.prefix(1000).map(\.conversion)
                let ids = Set(due.map(\.conversionID))
                state.due.removeAll { ids.contains($0.conversion.conversionID) }
                return (Array(due), state.arrivalsEnded && state.due.isEmpty && due.isEmpty)
            }
            if isOver { return }
            if batch.isEmpty {
                try await Task.sleep(for: .milliseconds(20))
            } else {
                let receipt = try await client.convert(batch)
                if let rejection = receipt.rejected.first {
                    throw WorkbenchError.serviceRefused(status: 200, code: rejection.code, detail: rejection.detail)
                }
                state.withLock { $0.outcome.conversions += receipt.accepted }
            }
        }
    }
}

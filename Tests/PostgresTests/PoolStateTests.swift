import Testing

@testable import Postgres

/// The pool's decisions, without a pool.
@Suite struct PoolStateTests {
    @Test func opensUpToItsSizeThenQueues() {
        var state = PoolState(size: 2, maximumWaiting: 2)
        #expect(state.acquireAtOnce() == .open(1))
        #expect(state.acquire(for: 1) == .granted(.open(2)))
        #expect(state.acquireAtOnce() == nil)
        #expect(state.acquire(for: 2) == .wait)
        #expect(state.acquire(for: 3) == .wait)
        #expect(state.acquire(for: 4) == .queueFull)
        #expect(state.waiting == [2, 3])
    }

    @Test func lendsTheMostRecentlyUsedFirst() {
        var state = PoolState(size: 3, maximumWaiting: 0)
        for _ in 1...3 { _ = state.acquireAtOnce() }
        for connection: PoolState.ConnectionID in [2, 3, 1] { #expect(state.release(connection, isUsable: true) == .nothing) }
        #expect(state.acquireAtOnce() == .lend(1))
        #expect(state.acquireAtOnce() == .lend(3))
        #expect(state.acquireAtOnce() == .lend(2))
    }

    @Test func servesInTheOrderOfArrival() {
        var state = PoolState(size: 1, maximumWaiting: 9)
        _ = state.acquireAtOnce()
        for waiter: PoolState.WaiterID in 1...3 { #expect(state.acquire(for: waiter) == .wait) }
        let twice = [state.abandon(2), state.abandon(2)]
        #expect(twice == [true, false])
        #expect(state.release(1, isUsable: true) == .resume(1, with: .lend(1)))
        let tooLate = state.abandon(1)
        #expect(!tooLate)
        #expect(state.release(1, isUsable: true) == .resume(3, with: .lend(1)))
        #expect(state.release(1, isUsable: true) == .nothing)
    }

    /// A broken connection's place goes to the next in the queue, who opens a new one.
    @Test func anUnusableConnectionFreesItsPlace() {
        var state = PoolState(size: 1, maximumWaiting: 9)
        _ = state.acquireAtOnce()
        #expect(state.acquire(for: 1) == .wait)
        #expect(state.acquire(for: 2) == .wait)
        #expect(state.release(1, isUsable: false) == .resume(1, with: .open(2)))
        #expect(state.openingFailed(2) == .resume(2, with: .open(3)))
        #expect(state.release(3, isUsable: true) == .nothing)
        #expect(state.idle == [3] && state.busy.isEmpty)
    }

    @Test func closingRefusesAndDrains() {
        var state = PoolState(size: 2, maximumWaiting: 9)
        for _ in 1...2 { _ = state.acquireAtOnce() }
        _ = state.acquire(for: 1)
        let closed = state.close()
        #expect(closed.idle.isEmpty && closed.waiting == [1] && !closed.isDrained)
        #expect(state.acquireAtOnce() == nil)
        #expect(state.acquire(for: 2) == .closed)
        #expect(state.release(1, isUsable: true) == .nothing)
        #expect(state.idle.isEmpty)
        #expect(state.release(2, isUsable: false) == .drained)
    }

    @Test func closingHandsOutTheIdle() {
        var state = PoolState(size: 2, maximumWaiting: 9)
        _ = state.acquireAtOnce()
        _ = state.release(1, isUsable: true)
        let closed = state.close()
        #expect(closed.idle == [1] && closed.isDrained)
        #expect(state.close().idle.isEmpty)
    }
}

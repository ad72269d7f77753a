/// Which connection of a pool is where, and who waits. Pure: the pool does the opening, closing and resuming that this decides.
struct PoolState {
    typealias ConnectionID = UInt64
    typealias WaiterID = UInt64

    /// What a borrower gets: a connection that is open, or the right to open one.
    enum Grant: Hashable, Sendable {
        case lend(ConnectionID)
        case open(ConnectionID)
    }

    enum Acquisition: Hashable {
        case granted(Grant)
        /// The waiter is in the queue.
        case wait
        case queueFull
        case closed
    }

    enum Next: Hashable {
        case nothing
        case resume(WaiterID, with: Grant)
        /// The pool is closed and the last connection is back.
        case drained
    }

    let size: Int
    let maximumWaiting: Int
    /// Open and unused, the most recently used last, so that it is lent first and surplus ones age.
    private(set) var idle: [ConnectionID] = []
    /// Lent, or being opened by a borrower.
    private(set) var busy: Set<ConnectionID> = []
    /// First come, first served.
    private(set) var waiting: [WaiterID] = []
    private(set) var isClosed = false
    private var lastID: UInt64 = 0

    init(size: Int, maximumWaiting: Int) {
        precondition(size > 0 && maximumWaiting >= 0, "a pool needs room for one connection")
        self.size = size
        self.maximumWaiting = maximumWaiting
    }

    /// A grant if nobody need wait.
    mutating func acquireAtOnce() -> Grant? { isClosed || !waiting.isEmpty ? nil : grant() }

    mutating func acquire(for waiter: WaiterID) -> Acquisition {
        if isClosed { return .closed }
        // Nobody overtakes the queue.
        if let grant = acquireAtOnce() { return .granted(grant) }
        if waiting.count >= maximumWaiting { return .queueFull }
        waiting.append(waiter)
        return .wait
    }

    /// A borrower is done. An unusable connection is forgotten and its place is free for a new one.
    mutating func release(_ connection: ConnectionID, isUsable: Bool) -> Next {
        precondition(busy.remove(connection) != nil, "a connection is returned once")
        if isUsable, !isClosed { idle.append(connection) }
        return next()
    }

    /// A borrower could not open the connection it was granted.
    mutating func openingFailed(_ connection: ConnectionID) -> Next { release(connection, isUsable: false) }

    /// A waiter gives up; false if it has been served already.
    mutating func abandon(_ waiter: WaiterID) -> Bool {
        guard let index = waiting.firstIndex(of: waiter) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// Nothing is lent any more. The idle connections are to be closed and the waiters refused.
    mutating func close() -> (idle: [ConnectionID], waiting: [WaiterID], isDrained: Bool) {
        isClosed = true
        defer {
            idle = []
            waiting = []
        }
        return (idle, waiting, busy.isEmpty)
    }

    private mutating func next() -> Next {
        if isClosed { return busy.isEmpty ? .drained : .nothing }
        guard !waiting.isEmpty, let grant = grant() else { return .nothing }
        return .resume(waiting.removeFirst(), with: grant)
    }

    private mutating func grant() -> Grant? {
        if let connection = idle.popLast() {
            busy.insert(connection)
            return .lend(connection)
        }
        guard busy.count < size else { return nil }
        lastID += 1
        busy.insert(lastID)
        return .open(lastID)
    }
}

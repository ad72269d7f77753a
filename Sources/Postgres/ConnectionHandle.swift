import CLibPQ

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Owns a `PGconn` and closes it. Every call may block; only the thread of the connection that owns it calls.
@safe struct ConnectionHandle: ~Copyable {
    enum TransactionStatus: UInt8 { case idle, active, open, failed, unknown }

    /// Nil before `open` and after `close`; libpq takes NULL for a connection that is broken.
    private var pointer: OpaquePointer?

    init() { unsafe pointer = nil }

    // The only owner closes; results live on their own.
    deinit { unsafe PQfinish(pointer) }

    /// Connects, and makes the session's text forms those that this module reads.
    mutating func open(_ target: ConnectionTarget) throws {
        close()
        // First, because libpq's message about a malformed string quotes it, password and all.
        _ = try target.settings()
        // What stands before `dbname` is a default that the target may replace; what stands after it wins.
        let parameters = [
            ("fallback_application_name", "haggle"), ("connect_timeout", "10"), ("keepalives_idle", "30"), ("keepalives_interval", "10"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "60000"), ("dbname", target.url), ("client_encoding", "UTF8"),
        ]
        var keywords = CStrings(parameters.map(\.0))
        var values = CStrings(parameters.map(\.1))
        // libpq copies the strings, which live until the end of both closures.
        unsafe keywords.withPointers { keywords in
            unsafe values.withPointers { values in
                unsafe pointer = PQconnectdbParams(keywords, values, 1)
            }
        }
        guard unsafe PQstatus(pointer) == CONNECTION_OK else {
            let error = lost()
            close()
            throw error
        }
        // Without a receiver libpq prints notices to standard error.
        _ = unsafe PQsetNoticeReceiver(pointer, { _, _ in }, nil)
        _ = try script(
            "SET client_min_messages = warning; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET bytea_output = 'hex'; "
                + "SET extra_float_digits = 1")
    }

    mutating func close() {
        unsafe PQfinish(pointer)  // takes NULL too; forgotten at once
        unsafe pointer = nil
    }

    // The calls below hand libpq the live connection that this value owns, or NULL, which it answers with a failure.

    var isOpen: Bool { unsafe PQstatus(pointer) == CONNECTION_OK }
    var socket: Int32 { unsafe PQsocket(pointer) }
    var serverVersion: Int { Int(unsafe PQserverVersion(pointer)) }
    var processID: Int32 { unsafe PQbackendPID(pointer) }

    var transactionStatus: TransactionStatus {
        switch unsafe PQtransactionStatus(pointer) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_ACTIVE: .active
        case PQTRANS_INTRANS: .open
        case PQTRANS_INERROR: .failed
        default: .unknown
        }
    }

    /// libpq's own complaint, for when there is no result to ask.
    private func lost() -> DatabaseError {
        let message = unsafe pointer == nil ? "the connection is closed" : trimmed(String(cString: PQerrorMessage(pointer)))
        return DatabaseError(sqlState: nil, message: message, isConnectionLost: !isOpen)
    }

    /// Takes a result over and throws if it is an error.
    private func checked(_ result: OpaquePointer?) throws -> ResultHandle {
        guard let result = unsafe result else { throw lost() }
        let handle = unsafe ResultHandle(result)
        if handle.status == .failed { throw DatabaseError(result: handle, isConnectionBroken: !isOpen) }
        return handle
    }

    // MARK: Statements

    /// Runs one statement to its end.
    func run(_ text: String, _ bindings: [SQLBinding]) throws -> ResultHandle {
        var parameters = try Parameters(bindings)
        let result = unsafe parameters.withPointers { types, values, lengths, formats in
            unsafe PQexecParams(pointer, text, Int32(bindings.count), types, values, lengths, formats, 0)
        }
        let handle = try unsafe checked(result)
        try refuseCopy(handle.status)
        return handle
    }

    /// Runs statements separated by `;`, all in one transaction unless they say otherwise; returns the last one's result.
    func script(_ text: String) throws -> ResultHandle {
        let handle = try unsafe checked(PQexec(pointer, text))
        try refuseCopy(handle.status)
        return handle
    }

    /// `PQexec` leaves a COPY open for the caller to carry out; outside of `copyIn` and `copyOut` nobody would.
    private func refuseCopy(_ status: ResultHandle.Status) throws {
        switch status {
        case .copyIn, .copyBoth, .copyOut:
            abandonCopy()
            throw PostgresError.copyNeedsCopyFunction
        case .done, .rows, .singleRow, .failed: return
        }
    }

    /// Begins a statement whose rows `nextResult` hands out one by one.
    func start(_ text: String, _ bindings: [SQLBinding]) throws {
        var parameters = try Parameters(bindings)
        let sent = unsafe parameters.withPointers { types, values, lengths, formats in
            unsafe PQsendQueryParams(pointer, text, Int32(bindings.count), types, values, lengths, formats, 0)
        }
        guard sent == 1, unsafe PQsetSingleRowMode(pointer) == 1 else { throw lost() }
    }

    /// The next result of what was started, nil at its end.
    func nextResult() throws -> ResultHandle? {
        guard let result = unsafe PQgetResult(pointer) else { return nil }
        return try unsafe checked(result)
    }

    /// Reads and forgets what is left of the statement.
    func drain() {
        while let result = unsafe PQgetResult(pointer) {
            let status = unsafe ResultHandle(result).status
            if status == .copyIn || status == .copyOut || status == .copyBoth { break }
        }
    }

    // MARK: COPY

    /// Begins a COPY and returns its direction.
    func startCopy(_ text: String, _ bindings: [SQLBinding]) throws -> ResultHandle.Status {
        var parameters = try Parameters(bindings)
        let result = unsafe parameters.withPointers { types, values, lengths, formats in
            unsafe PQexecParams(pointer, text, Int32(bindings.count), types, values, lengths, formats, 0)
        }
        return try unsafe checked(result).status
    }

    func putCopy(_ bytes: [UInt8]) throws {
        // libpq takes lengths as Int32.
        for start in stride(from: 0, to: bytes.count, by: 1 << 30) {
            let sent = unsafe bytes[start..<min(bytes.count, start + 1 << 30)].withUnsafeBytes { buffer in
                // Bytes as characters; copied or sent before the call returns.
                unsafe PQputCopyData(pointer, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count))
            }
            guard sent == 1 else { throw lost() }
        }
    }

    /// Ends a COPY IN, or makes the server refuse it for `failure`; returns the rows copied.
    func endCopy(failure: String?) throws -> Int {
        guard unsafe PQputCopyEnd(pointer, failure) == 1 else { throw lost() }
        return try finishCopy()
    }

    /// Reads the final status of a COPY.
    func finishCopy() throws -> Int {
        defer { drain() }
        return try unsafe checked(PQgetResult(pointer)).affectedRows
    }

    /// Appends the next row of a COPY OUT; false at the end.
    func getCopy(into bytes: inout [UInt8]) throws -> Bool {
        var row: UnsafeMutablePointer<CChar>?
        let count = unsafe PQgetCopyData(pointer, &row, 0)
        if count == -1 { return false }
        guard count >= 0, let row = unsafe row else { throw lost() }
        // libpq allocated `count` bytes for us, freed after they are copied.
        defer { unsafe PQfreemem(row) }
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: row, count: Int(count)))
        return true
    }

    /// Gets out of a COPY of either direction, if one is open.
    func abandonCopy() {
        _ = unsafe PQputCopyEnd(pointer, "the client gave up")  // refused by libpq unless it is a COPY IN
        var bytes: [UInt8] = []
        while (try? getCopy(into: &bytes)) ?? false { bytes.removeAll(keepingCapacity: true) }
        drain()
    }

    // MARK: Notifications

    /// Takes in what the server has sent without being asked; false if the connection is gone.
    func consumeInput() -> Bool { unsafe PQconsumeInput(pointer) == 1 && isOpen }

    func takeNotifications() -> [Notification] {
        var taken: [Notification] = []
        while let notification = unsafe PQnotifies(pointer) {
            // libpq allocated it for us; freed after its strings are copied.
            defer { unsafe PQfreemem(notification) }
            unsafe taken.append(
                Notification(
                    channel: String(cString: notification.pointee.relname), payload: String(cString: notification.pointee.extra),
                    processID: notification.pointee.be_pid))
        }
        return taken
    }

    func makeCancelHandle() -> CancelHandle? { unsafe PQgetCancel(pointer).map { unsafe CancelHandle($0) } }
}

/// Owns what is needed to cancel a connection's statement from another thread.
///
/// `Sendable` although it holds a pointer: the `PGcancel` is a copy of the connection's address and key that is never written again, and libpq
/// documents `PQcancel` as callable from any thread.
@safe struct CancelHandle: ~Copyable, @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Takes ownership.
    fileprivate init(_ pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

    deinit { unsafe PQfreeCancel(pointer) }

    /// Asks the server to cancel and waits until it has taken the request. Blocks for a connection's set-up.
    func cancel() {
        var message = [CChar](repeating: 0, count: 256)
        _ = unsafe PQcancel(pointer, &message, 256)
    }
}

/// Parameters laid out for libpq, all values in one block of memory.
private struct Parameters {
    private var types: [Oid]
    private var lengths: [Int32]
    private var formats: [Int32]
    private var offsets: [Int?] = []
    private var bytes: [UInt8] = []

    init(_ bindings: [SQLBinding]) throws {
        // PQ_QUERY_PARAM_MAX_LIMIT
        guard bindings.count <= 65_535 else { throw PostgresError.tooManyParameters(count: bindings.count) }
        types = bindings.map(\.type)
        formats = bindings.map { $0.isBinary ? 1 : 0 }
        lengths = bindings.map { Int32($0.bytes?.count ?? 0) }
        bytes.reserveCapacity(bindings.reduce(0) { $0 + ($1.bytes?.count ?? 0) + 1 })
        for (index, binding) in bindings.enumerated() {
            guard let value = binding.bytes else {
                offsets.append(nil)
                continue
            }
            // A zero would end text early and store less than was given.
            if !binding.isBinary, value.contains(0) { throw PostgresError.zeroCharacter(parameter: index + 1) }
            offsets.append(bytes.count)
            bytes.append(contentsOf: value)
            bytes.append(0)
        }
    }

    /// The pointers are valid inside the closure only.
    mutating func withPointers<Result>(
        _ body: (
            UnsafePointer<Oid>?, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
        ) -> Result
    ) -> Result {
        unsafe bytes.withUnsafeBytes { block in
            // Every offset lies inside the block, whose bytes are read as characters.
            let start = block.baseAddress
            let values = unsafe offsets.map { offset in
                unsafe offset.flatMap { unsafe start?.advanced(by: $0).assumingMemoryBound(to: CChar.self) }
            }
            return unsafe values.withUnsafeBufferPointer { values in
                unsafe types.withUnsafeBufferPointer { types in
                    unsafe lengths.withUnsafeBufferPointer { lengths in
                        unsafe formats.withUnsafeBufferPointer { formats in
                            unsafe body(types.baseAddress, values.baseAddress, lengths.baseAddress, formats.baseAddress)
                        }
                    }
                }
            }
        }
    }
}

/// Zero-terminated strings in one block, and the NULL-terminated list of pointers to them that C expects.
private struct CStrings {
    private var offsets: [Int] = []
    private var bytes: [UInt8] = []

    init(_ strings: [String]) {
        for string in strings {
            offsets.append(bytes.count)
            bytes.append(contentsOf: string.utf8)
            bytes.append(0)
        }
    }

    /// The pointers are valid inside the closure only.
    mutating func withPointers<Result>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result) -> Result {
        unsafe bytes.withUnsafeBytes { block in
            let start = block.baseAddress
            var pointers = unsafe offsets.map { unsafe start?.advanced(by: $0).assumingMemoryBound(to: CChar.self) }
            unsafe pointers.append(nil)
            return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
        }
    }
}

extension ConnectionTarget {
    enum Answer { case accepting, refusing, silent }

    /// What a server at this address says to a new connection. Blocks.
    var answer: Answer {
        var keywords = CStrings(["connect_timeout", "dbname"])
        var values = CStrings(["5", url])
        // libpq reads the strings during the call.
        let answer = unsafe keywords.withPointers { keywords in
            unsafe values.withPointers { values in unsafe PQpingParams(keywords, values, 1) }
        }
        switch answer {
        case PQPING_OK: return .accepting
        case PQPING_REJECT: return .refusing
        default: return .silent
        }
    }

    /// The same server and settings with other values for some of libpq's keywords (`dbname`, `user`, ...).
    package func replacing(_ replacements: [String: String]) throws -> ConnectionTarget {
        let settings = try settings().merging(replacements) { _, new in new }
        return ConnectionTarget(
            url: settings.sorted { $0.key < $1.key }.map { key, value in
                let escaped = value.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] }
                return "\(key)='\(String(escaped))'"
            }.joined(separator: " "))
    }

    /// What the string says, keyword by keyword. - Throws: `DatabaseError` without libpq's own words, which may quote a password.
    fileprivate func settings() throws -> [String: String] {
        guard let options = unsafe PQconninfoParse(url, nil) else {
            throw DatabaseError(sqlState: nil, message: "the connection string is neither a URL nor key=value pairs that libpq accepts")
        }
        // The list ends at an option without keyword and is freed after its strings are copied.
        defer { unsafe PQconninfoFree(options) }
        var settings: [String: String] = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val { unsafe settings[String(cString: keyword)] = unsafe String(cString: value) }
            unsafe option += 1
        }
        return settings
    }
}

/// Waits until a descriptor can be read. Blocks the calling thread.
enum Poll {
    /// Whether `first` (and not only `second`) is readable or closed within the time; negative waits for ever.
    static func isReadable(_ first: Int32, or second: Int32 = -1, milliseconds: Int32) -> Bool {
        var descriptors = [
            pollfd(fd: first, events: Int16(POLLIN), revents: 0), pollfd(fd: second, events: Int16(POLLIN), revents: 0),
        ]
        // poll ignores negative descriptors and writes only into the two entries.
        _ = unsafe poll(&descriptors, 2, milliseconds)
        return descriptors[0].revents != 0
    }
}

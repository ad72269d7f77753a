import Foundation
import Synchronization

/// Appends records to a journal of its own and answers when they are on stable storage.
///
/// Group commit without a timer: while one group is being synced the next one gathers, and it starts when the sync returns. One thread writes;
/// a writer's journal is new with every start of the process, so no two processes ever append to one file.
final class JournalWriter: Sendable {
    struct Configuration: Sendable {
        /// A segment is closed once it has so many bytes.
        var segmentBytes = 64 << 20
        /// All journals below the directory may hold so many bytes together.
        var diskLimit = 8 << 30
        /// Whether an answer waits for the disk, not only for the operating system.
        var isDurable = true
    }

    /// The journal's UUID.
    let journal: String
    /// The folder of its segments.
    let directory: String
    private let configuration: Configuration
    private let lock: JournalLock
    private let wake = DispatchSemaphore(value: 0)
    private let state: Mutex<State>
    private let onKept: @Sendable () -> Void

    /// Told when a record is kept (nil) or why it is not; on the journal's thread, or on the caller's where it is refused at once.
    typealias Reply = @Sendable ((any Error)?) -> Void

    private struct State {
        var bytes: [UInt8] = []
        var waiting: [Reply] = []
        var isClosed = false
        var hasEnded = false
        var ended: [CheckedContinuation<Void, Never>] = []
        /// Bytes on disk below the common directory.
        var used: Int
        var kept = JournalPosition.start
    }

    /// Makes a journal below a directory and starts its thread.
    /// - Parameter onKept: called after each group, on the journal's thread.
    /// - Throws: `JournalError`.
    init(below root: String, configuration: Configuration = .init(), onKept: @escaping @Sendable () -> Void = {}) throws {
        journal = UUID().uuidString.lowercased()
        directory = "\(root)/\(journal)"
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw JournalError.notWritten(path: directory, reason: error.localizedDescription)
        }
        lock = try JournalLock(directory: directory)
        try JournalFiles.syncDirectory(root)
        self.configuration = configuration
        self.onKept = onKept
        state = Mutex(State(used: JournalFiles.size(below: root)))
        let file = try JournalSegmentFile(directory: directory, segment: 1)
        state.withLock { $0.used += file.size }
        let box = Mutex<SegmentBox?>(SegmentBox(file))
        let thread = Thread { [self] in
            guard let segment = box.withLock({ $0.take() }) else { return }
            write(into: segment)
        }
        thread.name = "haggle-journal"
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Carries a file to the thread.
    private final class SegmentBox {
        var file: JournalSegmentFile

        init(_ file: consuming JournalSegmentFile) { self.file = file }
    }

    /// Up to where everything is kept.
    var kept: JournalPosition { state.withLock { $0.kept } }
    /// Bytes on disk below the directory, as far as this process knows.
    var used: Int { state.withLock { $0.used } }
    /// Calls that wait for the disk.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Tells that segments were deleted.
    func released(_ bytes: Int) { state.withLock { $0.used = max(0, $0.used - bytes) } }

    /// Keeps records, all or none of them; returns when they are kept.
    /// - Throws: `JournalError`; then they are not acknowledged, and whether they are kept is unknown only after `notWritten`.
    func append(_ records: [JournalRecord]) async throws {
        guard !records.isEmpty else { return }
        let frames = try records.map { try $0.framed() }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            append(frames) { error in
                if let error { continuation.resume(throwing: error) } else { continuation.resume() }
            }
        }
    }

    /// The same without a task, for who must not wait.
    func append(_ frames: [[UInt8]], reply: @escaping Reply) {
        var size = 0
        for frame in frames {
            guard frame.count <= JournalRecord.payloadLimit else {
                return reply(
                    JournalError.malformed(reason: "a record of \(frame.count) bytes; at most \(JournalRecord.payloadLimit) are kept"))
            }
            size += frame.count
        }
        let (refusal, isFirst) = state.withLock { state -> (JournalError?, Bool) in
            if state.isClosed { return (.closed, false) }
            if state.used + state.bytes.count + size > configuration.diskLimit {
                return (.full(used: state.used + state.bytes.count, limit: configuration.diskLimit), false)
            }
            let isFirst = state.waiting.isEmpty
            for frame in frames { state.bytes += frame }
            state.waiting.append(reply)
            return (nil, isFirst)
        }
        // Whoever opens a group wakes the thread; the others ride along.
        if let refusal { reply(refusal) } else if isFirst { wake.signal() }
    }

    /// Takes nothing more; returns when everything before is kept (or has failed).
    func close() async {
        state.withLock { $0.isClosed = true }
        wake.signal()
        await withCheckedContinuation { reply in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.ended.append(reply) }
                return state.hasEnded
            }
            if hasEnded { reply.resume() }
        }
    }

    // MARK: The thread

    private func write(into first: SegmentBox) {
        var segment: SegmentBox? = first
        var number = 1
        while true {
            wake.wait()
            let (bytes, waiting, isClosed) = state.withLock { state in
                defer {
                    state.bytes.removeAll(keepingCapacity: state.bytes.count < 1 << 22)
                    state.waiting = []
                }
                return (state.bytes, state.waiting, state.isClosed)
            }
            if bytes.isEmpty {
                if isClosed { break }
                continue
            }
            do {
                if segment == nil || (segment?.file.size ?? 0) + bytes.count > configuration.segmentBytes,
                    segment?.file.size != JournalFiles.header.count
                {
                    segment = nil
                    segment = SegmentBox(try JournalSegmentFile(directory: directory, segment: number + 1))
                    number += 1
                    state.withLock { $0.used += JournalFiles.header.count }
                }
                guard let segment else { throw JournalError.closed }
                try segment.file.write(bytes)
                if configuration.isDurable { try segment.file.sync() }
                let kept = JournalPosition(segment: number, offset: segment.file.size)
                state.withLock { state in
                    state.kept = kept
                    state.used += bytes.count
                }
                for reply in waiting { reply(nil) }
                onKept()
            } catch {
                for reply in waiting { reply(error) }
                // What a failed sync left on the disk is unknown, and a second one would not tell: go on in a new file.
                segment = nil
            }
        }
        if configuration.isDurable == false { try? segment?.file.sync() }
        segment = nil
        let ended = state.withLock { state in
            state.hasEnded = true
            defer { state.ended = [] }
            return state.ended
        }
        for reply in ended { reply.resume() }
    }
}

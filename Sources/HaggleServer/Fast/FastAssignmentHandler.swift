import EventLog
import HTTPTypes
import HaggleCore
import NIOCore
import NIOHTTPTypes
import NIOPosix
import Policies

/// Answers plain assignments on the event loop, before a request becomes a task; passes everything else on.
///
/// Answers leave in the order of their requests: while one is being kept, what the connection sends next waits here, and an assignment that
/// comes while the router is still busy with an earlier request is left to the router.
final class FastAssignmentHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        case idle
        /// The body of a request that may be answered here.
        case collecting(HTTPRequest, ExperimentKey, ByteBuffer, since: ContinuousClock.Instant)
        /// An answer waits for the disk.
        case keeping
    }

    /// What choices on one thread share.
    private final class Memory {
        var workspace = ChoiceWorkspace()
        var date = HTTPDate()
    }

    // Safe: each thread sees its own value alone.
    private nonisolated(unsafe) static let memory = ThreadSpecificVariable<Memory>()
    private static var ownMemory: Memory {
        if let memory = unsafe memory.currentValue { return memory }
        let made = Memory()
        unsafe memory.currentValue = made
        return made
    }

    /// Parts that may wait before reading stops.
    private static let queueLimit = 64

    private let fast: FastAssignment
    private var state = State.idle
    /// Requests that the router has not answered to the end.
    private var routed = 0
    private var queue = CircularBuffer<HTTPRequestPart>()
    private var wantsToRead = false
    private var quiesce: ChannelShouldQuiesceEvent?

    init(_ fast: FastAssignment) { self.fast = fast }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .keeping = state { queue.append(part) } else { take(part, context) }
    }

    func read(context: ChannelHandlerContext) {
        if queue.count < Self.queueLimit { context.read() } else { wantsToRead = true }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A connection that is told to end finishes what it has begun.
        if let event = event as? ChannelShouldQuiesceEvent, case .keeping = state {
            quiesce = event
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func take(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        switch (part, state) {
        case (.head(let head), .idle):
            if routed == 0, let key = fast.experiment(of: head) {
                state = .collecting(head, key, ByteBuffer(), since: .now)
            } else {
                routed += 1
                context.fireChannelRead(wrapInboundOut(part))
            }
        case (.body(var more), .collecting(let head, let key, var body, let since)):
            // Out of the state, or the buffer would be copied.
            state = .idle
            if body.readableBytes == 0 { body = more } else { body.writeBuffer(&more) }
            state = .collecting(head, key, body, since: since)
        case (.end(let trailers), .collecting(let head, let key, let body, let since)):
            state = .idle
            answer(head, key, body, trailers, since, context)
        default: context.fireChannelRead(wrapInboundOut(part))
        }
    }

    // MARK: Out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { routed -= 1 }
        context.write(data, promise: promise)
    }

    private func answer(
        _ head: HTTPRequest, _ key: ExperimentKey, _ body: ByteBuffer, _ trailers: HTTPFields?, _ since: ContinuousClock.Instant,
        _ context: ChannelHandlerContext
    ) {
        let memory = Self.ownMemory
        guard let prepared = fast.prepare(head, key, Array(body.readableBytesView), &memory.workspace) else {
            routed += 1
            context.fireChannelRead(wrapInboundOut(.head(head)))
            if body.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(.body(body))) }
            context.fireChannelRead(wrapInboundOut(.end(trailers)))
            context.fireChannelReadComplete()
            return
        }
        state = .keeping
        let here = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        fast.journal.append(prepared.impression, contextJSON: prepared.contextJSON) { error in
            loop.execute {
                let (handler, context) = here.value
                handler.finish(prepared, error, since, context)
            }
        }
    }

    private func finish(
        _ prepared: FastAssignment.Prepared, _ error: (any Error)?, _ since: ContinuousClock.Instant, _ context: ChannelHandlerContext
    ) {
        let impression = prepared.impression
        fast.metrics.finished(.assign, since: since, error: error)
        if context.channel.isActive {
            if let error {
                let problem = error.serviceProblem
                write(status: problem.status, headers: problem.headers, problem.body, context)
            } else {
                write(status: .ok, headers: [.contentType: "application/json"], prepared.answer, context)
            }
        }
        if error == nil { fast.metrics.countAssignment(experiment: impression.experiment, arm: impression.arm, reason: impression.reason) }
        state = .idle
        let hadWaiting = !queue.isEmpty
        while let part = queue.popFirst() {
            take(part, context)
            if case .keeping = state { break }
        }
        // What waited was not passed on when its read completed, and the router looks only then.
        if hadWaiting { context.fireChannelReadComplete() }
        if let event = quiesce, case .idle = state {
            quiesce = nil
            context.fireUserInboundEventTriggered(event)
        }
        if wantsToRead, queue.count < Self.queueLimit {
            wantsToRead = false
            context.read()
        }
    }

    private func write(status: HTTPResponse.Status, headers: HTTPFields, _ bytes: [UInt8], _ context: ChannelHandlerContext) {
        var headers = headers
        headers[.contentLength] = String(bytes.count)
        headers[.xContentTypeOptions] = "nosniff"
        headers[.cacheControl] = "no-store"
        headers[.server] = "haggle"
        headers[.date] = Self.ownMemory.date.text(at: .now)
        context.write(wrapOutboundOut(.head(HTTPResponse(status: status, headerFields: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: bytes))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

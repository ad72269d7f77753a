import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes connections that hold a place without using it: idle between requests, or too long in sending one.
final class SlowClientHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let idle: TimeAmount
    private let request: TimeAmount
    /// Requests whose answers have not been sent to the end.
    private var open = 0
    private var lastActive = NIODeadline.now()
    /// When the head of a request came whose end has not come.
    private var readingSince: NIODeadline?
    private var check: RepeatedTask?

    /// - Parameters:
    ///   - idle: without a request; a head that does not come to its end counts as none.
    ///   - request: from a request's head to its end.
    init(idle: TimeAmount, request: TimeAmount) {
        self.idle = idle
        self.request = request
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let here = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let delay = TimeAmount.nanoseconds(max(10_000_000, min(idle, request).nanoseconds / 4))
        check = context.eventLoop.scheduleRepeatedTask(initialDelay: delay, delay: delay) { _ in
            let (handler, context) = here.value
            handler.close(context, ifSlowAt: .now())
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { check?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        check?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            open += 1
            readingSince = .now()
        case .body: break
        case .end: readingSince = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            open -= 1
            lastActive = .now()
        }
        context.write(data, promise: promise)
    }

    private func close(_ context: ChannelHandlerContext, ifSlowAt now: NIODeadline) {
        let isSlow = readingSince.map { now - $0 > request } ?? (open == 0 && now - lastActive > idle)
        guard isSlow else { return }
        check?.cancel()
        context.close(promise: nil)
    }
}

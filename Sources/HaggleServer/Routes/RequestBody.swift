import HTTPTypes
import Hummingbird
import NIOCore

/// A body may have this many bytes.
let maximumBodyBytes = 1 << 20
/// So much of a body that is too large is read, without keeping it, before the answer.
private let forgottenBodyBytes = 64 << 20

/// Collects a request's body and reads it; syntax errors become 400 with the place, too large a body 413.
func readBody<Value: Sendable>(_ request: Request, _ read: ([UInt8]) throws(JSONProblem) -> Value) async throws -> Value {
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > maximumBodyBytes {
        // Read on and forget: a client that sends before it reads would otherwise wait for ever, and we for it.
        var forgotten = 0
        for try await chunk in request.body {
            forgotten += chunk.readableBytes
            if forgotten > forgottenBodyBytes { break }
        }
        throw tooLarge
    }
    let buffer: ByteBuffer
    do {
        buffer = try await request.body.collect(upTo: maximumBodyBytes)
    } catch is NIOTooManyBytesError {
        throw tooLarge
    }
    do {
        return try read(Array(buffer.readableBytesView))
    } catch {
        throw ServiceProblem.badRequest("invalid_body", error.description)
    }
}

private var tooLarge: ServiceProblem {
    ServiceProblem(status: .contentTooLarge, code: "body_too_large", detail: "a body may have at most \(maximumBodyBytes) bytes")
}

extension Response {
    /// 200 with a JSON body.
    init(json bytes: [UInt8], status: HTTPResponse.Status = .ok) {
        self.init(
            status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// 200 with another kind of text.
    init(text: String, type: String) {
        self.init(
            status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

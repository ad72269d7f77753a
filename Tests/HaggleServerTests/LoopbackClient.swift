import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// One request on a connection of its own, over a plain socket: nothing between the test and the bytes that the server sees.
struct LoopbackClient: Sendable {
    struct Answer: Sendable {
        var status: Int
        /// Names in lower case.
        var headers: [String: String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }

        /// The body as a JSON object; empty where it is none.
        var object: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:] }

        /// The stable code of a problem; nil where this is not one.
        var problem: String? {
            guard headers["content-type"] == "application/problem+json", object["status"] as? Int == status else { return nil }
            return object["code"] as? String
        }

        var impressionID: String? { object["impression_id"] as? String }
    }

    /// The connection was refused or broke before an answer.
    struct Broken: Error {}

    let port: Int

    func get(_ path: String) async throws -> Answer { try await send("GET", path) }

    func post(_ path: String, _ body: String = "") async throws -> Answer { try await send("POST", path, Array(body.utf8)) }

    func send(_ method: String, _ path: String, _ body: [UInt8] = [], headers: String = "") async throws -> Answer {
        let length = method == "POST" && !headers.contains("Transfer-Encoding") ? "Content-Length: \(body.count)\r\n" : ""
        let head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\(length)\(headers)\r\n"
        let bytes = try await exchange(Array(head.utf8) + body)
        guard let answer = Self.parse(bytes, hasBody: method != "HEAD") else { throw Broken() }
        return answer
    }

    /// Sends bytes on one connection and returns the answers that come until the server closes it; the last request has to ask for that.
    func answers(to bytes: [UInt8]) async throws -> [Answer] {
        var rest = try await exchange(bytes)
        var answers: [Answer] = []
        while !rest.isEmpty {
            guard let end = Data(rest).range(of: Data("\r\n\r\n".utf8)),
                let head = Self.parse(Array(rest[..<end.upperBound]), hasBody: false)
            else { throw Broken() }
            let length = head.headers["content-length"].flatMap { Int($0) } ?? 0
            guard rest.count >= end.upperBound + length else { throw Broken() }
            answers.append(
                Answer(status: head.status, headers: head.headers, body: Array(rest[end.upperBound..<end.upperBound + length])))
            rest.removeFirst(end.upperBound + length)
        }
        return answers
    }

    /// Sends bytes, then nothing, and returns what had come when the server closed the connection.
    func silence(after bytes: [UInt8]) async throws -> [UInt8] { try await exchange(bytes) }

    /// Blocks a thread of its own: Dispatch's threads are those of the cooperative pool, and the tests need them.
    private func exchange(_ request: [UInt8]) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { [port] in
                guard let answer = Self.exchange(request, port: port) else { return continuation.resume(throwing: Broken()) }
                continuation.resume(returning: answer)
            }
        }
    }

    private static func exchange(_ request: [UInt8], port: Int) -> [UInt8]? {
        #if canImport(Glibc)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let flags = Int32(MSG_NOSIGNAL)
        #else
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        let flags: Int32 = 0
        #endif
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { return nil }
        request.withUnsafeBytes { raw in
            var sent = 0
            while sent < raw.count {
                // A server that has answered already may stop reading; its answer is still read below.
                let count = systemSend(descriptor, raw.baseAddress! + sent, raw.count - sent, flags)
                guard count > 0 else { return }
                sent += count
            }
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return answer }
            answer.append(contentsOf: chunk[..<count])
        }
    }

    private static func parse(_ bytes: [UInt8], hasBody: Bool) -> Answer? {
        guard let end = Data(bytes).range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let body = Array(bytes[end.upperBound...])
        // A body that was cut off is no answer.
        if hasBody, let length = headers["content-length"].flatMap({ Int($0) }), body.count < length { return nil }
        return Answer(status: status, headers: headers, body: body)
    }
}

/// `send` of the system, which the client's own method hides.
private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int, _ flags: Int32) -> Int {
    send(descriptor, bytes, count, flags)
}

import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A blocking HTTP connection to 127.0.0.1 that asks for assignments.
final class LoopbackConnection {
    private let descriptor: Int32

    init?(port: UInt16) {
        #if canImport(Glibc)
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if !connected {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    /// The impression's id, once the whole answer has arrived; nil where the connection broke or the answer is no 200.
    func assign(unit: String) -> String? {
        let body = "{\"unit\":\"\(unit)\",\"context\":{\"recency_days\":3}}"
        let request =
            "POST /v1/experiments/shop-demo/assignments HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body
        let bytes = Array(request.utf8)
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return nil }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            answer += chunk[..<count]
            let text = String(decoding: answer, as: UTF8.self)
            guard let head = text.firstRange(of: "\r\n\r\n"),
                let length = text[..<head.lowerBound].firstMatch(of: /[Cc]ontent-[Ll]ength: (\d+)/).flatMap({ Int($0.1) }),
                text[head.upperBound...].utf8.count >= length
            else { continue }
            guard text.hasPrefix("HTTP/1.1 200") else { return nil }
            return text.firstMatch(of: /"impression_id":"([^"]+)"/).map { String($0.1) }
        }
    }
}

#if canImport(Darwin)
private let MSG_NOSIGNAL: Int32 = 0
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A blocking TCP connection to 127.0.0.1, closed when it goes out of scope.
final class LoopbackSocket {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init?(port: UInt16) {
        #if canImport(Glibc)
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        var noDelay: Int32 = 1
        // Safe: the option and the address live on this frame for the length of each call.
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<Int32>.size))
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    /// Sends everything; false where the connection broke.
    func send(_ bytes: [UInt8]) -> Bool {
        // Safe: the buffer outlives the call and the offset stays inside it.
        unsafe bytes.withUnsafeBytes { raw in
            var sent = 0
            while sent < raw.count {
                let count = unsafe write(descriptor, raw.baseAddress! + sent, raw.count - sent)
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    /// Reads one response with a Content-Length and returns its status; nil where the connection broke.
    func receiveResponse() -> Int? {
        while true {
            if let (status, length) = completeResponse() {
                buffer.removeFirst(length)
                return status
            }
            var chunk = [UInt8](repeating: 0, count: 16_384)
            // Safe: at most `count` bytes are written into the array's own storage.
            let count = unsafe chunk.withUnsafeMutableBytes { raw in unsafe read(descriptor, raw.baseAddress!, raw.count) }
            guard count > 0 else { return nil }
            buffer.append(contentsOf: chunk[..<count])
        }
    }

    private func completeResponse() -> (status: Int, length: Int)? {
        guard buffer.count > 16, let head = endOfHead() else { return nil }
        let status = buffer[9..<12].reduce(0) { $0 * 10 + Int($1) - 48 }
        var body = 0
        let text = String(decoding: buffer[..<head], as: UTF8.self).lowercased()
        if let range = text.firstRange(of: "content-length:") {
            body = Int(text[range.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }) ?? 0
        }
        return buffer.count >= head + body ? (status, head + body) : nil
    }

    private func endOfHead() -> Int? {
        guard buffer.count >= 4 else { return nil }
        for index in 3..<buffer.count where buffer[index] == 10 && buffer[index - 1] == 13 && buffer[index - 2] == 10 {
            return index + 1
        }
        return nil
    }
}

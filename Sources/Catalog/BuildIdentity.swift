import Crypto
import Foundation

/// Which program computes on which platform: propensities agree in their bits where both are the same, and to 1e-9 elsewhere.
///
/// The request path uses own loops with a fixed order of summation, but the C library's exp, erfc, tanh and log1p, which may choose another
/// implementation on another processor. So the platform is the operating system and architecture with a fingerprint of those functions.
package struct BuildIdentity: Hashable, Sendable, Codable {
    /// The beginning of the SHA-256 of the executable, in hexadecimal; `unknown` where it cannot be read.
    package var build: String
    /// Such as `linux-x86_64-9f3c21d0`.
    package var platform: String

    package init(build: String, platform: String) {
        self.build = build
        self.platform = platform
    }

    /// Of this process; the executable is read once.
    package static let current = BuildIdentity(build: digestOfExecutable() ?? "unknown", platform: platformName())

    /// Whether bits can be demanded: an unknown build equals none.
    package func isSame(as other: Self) -> Bool { self == other && build != "unknown" }

    private static func digestOfExecutable() -> String? {
        #if os(Linux)
        let path: String? = "/proc/self/exe"
        #else
        let path = Bundle.main.executablePath
        #endif
        guard let path, let bytes = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) else { return nil }
        return hexadecimal(SHA256.hash(data: bytes).prefix(16))
    }

    private static func platformName() -> String {
        #if os(Linux)
        let system = "linux"
        #else
        let system = "macos"
        #endif
        #if arch(x86_64)
        let architecture = "x86_64"
        #elseif arch(arm64)
        let architecture = "arm64"
        #else
        let architecture = "other"
        #endif
        var hasher = SHA256()
        for step in -200..<200 {
            let x = Double(step) * 0.037 + 1e-3
            let y = Float(x)
            let bits = [exp(x), erfc(x), log1p(abs(x))].map(\.bitPattern) + [exp(y), erfc(y), tanh(y)].map { UInt64($0.bitPattern) }
            for word in bits { hasher.update(data: (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }) }
        }
        return "\(system)-\(architecture)-\(hexadecimal(hasher.finalize().prefix(4)))"
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

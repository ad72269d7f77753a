import Foundation
package import HaggleCore

extension Timestamp {
    /// The wall clock.
    package static var now: Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) }
}

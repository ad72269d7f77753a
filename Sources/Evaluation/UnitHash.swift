import HaggleCore
import HaggleMath

extension UnitID {
    /// 64 bits of the id: FNV-1a over UTF-8, then mixed. The same on every machine.
    ///
    /// Evaluation tells units apart by it; with a million units two of them collide with probability 3e-8, and a collision would only merge
    /// two clusters.
    var hash64: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in rawValue.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return mix64(hash)
    }
}

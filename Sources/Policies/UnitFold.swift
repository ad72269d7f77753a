import HaggleCore
import HaggleMath

/// Which fold of a cross-fit a row lies in: a function of its unit, so that all rows of a unit lie in one; of its number where it has none.
enum UnitFold {
    static func fold(of unit: UnitID?, row: Int, count: Int) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        if let unit {
            for byte in unit.rawValue.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        } else {
            hash = UInt64(row)
        }
        return Int(mix64(hash &+ 0x666f_6c64).multipliedFullWidth(by: UInt64(count)).high)
    }
}

import HaggleSQL

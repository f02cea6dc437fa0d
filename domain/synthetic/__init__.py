"""An invented population of Vietnam and the files its facilities would send: QĐ 4750 XML and FHIR bundles.

For demonstrations, tests and benchmarks. Everybody in it is made up; numbers follow the state's rules and
belong to nobody.
"""

from domain.synthetic.population import Manifest, write_population

__all__ = ["Manifest", "write_population"]

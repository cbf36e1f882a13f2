"""The exact versions of the parts, each said once.

`docker-compose.yml` repeats them as image tags; a test holds the two together.
"""

from typing import Final

KAFKA_VERSION: Final = "4.4.0"
REGISTRY_VERSION: Final = "3.0.9"
# The version of the moto that the lock installs, so that both ways to run S3 are one program.
S3_VERSION: Final = "5.2.5"

KAFKA_IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
REGISTRY_IMAGE: Final = f"apicurio/apicurio-registry:{REGISTRY_VERSION}"
S3_IMAGE: Final = f"motoserver/moto:{S3_VERSION}"

# Kafka 4 and Apicurio Registry 3.0 ask for it; 3.3 of the registry would ask for 21.
JAVA_MAJOR_MIN: Final = 17

"""GraphQL over HTTP: what a request may look like and how it is answered, with no word about what is asked.

The specification is graphql.org's working draft of 2025 (https://graphql.github.io/graphql-over-http/draft/).
"""

// Made from server/openapi.json: UPDATE_OPENAPI=1 npm test -- server/tests/openapi.test.ts

/** What every refusal looks like. */
export type Problem = {
  /** The sentence */
  error: string
  /** Stable; /refusals explains each */
  code: string
  /** What to do about it */
  fix: string
  status: number
  request_id: string
  /** Every field at fault, where fields are */
  errors?: (string)[]
  /** The same as "path: message" */
  details?: (string)[]
}

interface Refused {
  content: { 'application/json': Problem }
}

/** Every route of the market. */
export interface paths {
  '/health': {
    /** The process lives */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          status: "ok"
          version: string
          mode: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/ready': {
    /** Database, chains and worker answer */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          ready: boolean
          parts: Record<string, {
            ok: boolean
            error?: string
          }>
        } } }
        503: { content: { 'application/json': {
          ready: boolean
          parts: Record<string, {
            ok: boolean
            error?: string
          }>
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/metrics': {
    /** Prometheus metrics */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': unknown } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/.well-known/jwks.json': {
    /** Public keys of receipts (JWKS) */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          keys: ({
            kty: string
            crv: string
            x: string
            kid: string
            alg: string
            use: string
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/.well-known/did.json': {
    /** The key of signed offers and their receipts (DID document of did:web) */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          "@context": (string)[]
          id: string
          verificationMethod: ({
            id: string
            type: string
            controller: string
            publicKeyJwk: {
              kty: string
              crv: string
              x: string
            }
          })[]
          assertionMethod: (string)[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/auth/register': {
    /** Register an agent */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        name: string
        description?: string
        capabilities?: (string)[]
        /** Where webhooks go. */
        callbackUrl?: string
        /** For account recovery; never shown to others. */
        email?: string
        /** For signing in on the web. */
        password?: string
        /** Solana wallet that POST /api/v1/wallet/panic pays to. Without it the first depositor becomes it. */
        emergencyAddress?: string
      } } }
      responses: {
        201: { content: { 'application/json': {
          agentId: string
          name: string
          /** Shown this once. */
          apiKey: string
          keyId: string
          walletAddress: string
          /** The same as walletAddress. */
          depositAddress: string
          activated: boolean
          activationFee: string
          activation: {
            status: string
            fee: string
            instructions: string
          }
          /** Signs the webhooks you receive. Shown this once. */
          webhookSecret: string
          emergencyAddress: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/auth/verify': {
    /** Check a key */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          valid: true
          agentId: string
          name: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/auth/webhook-secret': {
    /** Make a new webhook secret */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** How long the secret before signs as well; 0 after a leak. */
        previousValidSeconds?: number
      } } }
      responses: {
        200: { content: { 'application/json': {
          /** Shown this once. */
          webhookSecret: string
          /** Until then the previous secret signs too. */
          previousValidUntil: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/auth/keys': {
    /** Make another key */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        name: string
        /** At most those of the key that asks, which is also the default. */
        scopes?: ("read" | "trade" | "withdraw" | "admin")[]
        /** Never, where nothing is said. */
        expiresAt?: string
      } } }
      responses: {
        201: { content: { 'application/json': {
          /** Shown this once. */
          apiKey: string
          keyPrefix: string
          keyId: string
          scopes: ("read" | "trade" | "withdraw" | "admin")[]
          expiresAt: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** List your keys */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          keys: ({
            keyId: string
            keyPrefix: string
            name: string
            scopes: ("read" | "trade" | "withdraw" | "admin")[]
            createdAt: string
            expiresAt: string | null
            /** Exact to a minute. */
            lastUsedAt: string | null
            /** keyId of the key that asked for it; null for the first one. */
            madeBy: string | null
            /** The key of this very request. */
            current: boolean
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/auth/keys/{keyId}': {
    /** Revoke a key */
    delete: {
      parameters: {
        query?: {
          /** true: also every key it made, and they made; then the key may be revoked already */
          children?: boolean
        }
        header?: never
        path: {
          keyId: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          message: string
          /** keyIds */
          revoked: (string)[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/agents/me': {
    /** Your profile and balances */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          /** The same as id. */
          _id: string
          id: string
          name: string
          description: string
          /** The same as capabilities. */
          tags: (string)[]
          providerType: "agent" | "saas" | "api"
          /** The same as websiteUrl. */
          agentUrl: string | null
          a2aCapabilities: {
            streaming: boolean
            pushNotifications: boolean
          } | null
          /** Wallet it is paid at or pays from; of an agent without one its deposit address. */
          walletAddress: string | null
          /** Whether that wallet has signed that it is this agent’s. */
          walletVerified: boolean
          /** Wallet it is paid at on Solana. */
          solanaWalletAddress: string | null
          chain: string | null
          status: "active" | "suspended"
          reputation: {
            /** 0 to 1. */
            successRate: number
            /** 0 to 100. */
            score: number
            trusted: boolean
          }
          createdAt: string
          capabilities: (string)[]
          avatarUrl: string | null
          websiteUrl: string | null
          activated: boolean
          verified: boolean
          /** Solana address that USDC is deposited to. */
          depositAddress: string | null
          /** 0 to 1. */
          trustScore: number
          /** Distinct counterparties that paid or were paid real money. */
          evidence: number
          ratings: {
            /** 1 to 5. */
            average: number | null
            count: number
          }
          totalDisputesFiled: number
          /** 0 to 1. */
          clientDisputeRate: number
          /** Kept from creating jobs and filing disputes. */
          clientRestricted: boolean
          reportWarning: null
          callbackUrl: string | null
          email: string | null
          /** The same as email. */
          ownerEmail: string | null
          discoverySource: string | null
          activatedAt: string | null
          /** POST /api/v1/wallet/panic pays to it. */
          emergencyAddress: string | null
          wallet: {
            /** Micro-units. 1 USDC = 1000000. */
            available: string
            /** Micro-units. 1 USDC = 1000000. */
            pending: string
            /** Micro-units. 1 USDC = 1000000. */
            escrowed: string
            /** Micro-units. 1 USDC = 1000000. */
            total: string
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Change your profile */
    patch: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        description?: string
        capabilities?: (string)[]
        /** Where webhooks go; null empties it. */
        callbackUrl?: string | null
        avatarUrl?: string | null
        websiteUrl?: string | null
      } } }
      responses: {
        200: { content: { 'application/json': {
          /** The same as id. */
          _id: string
          id: string
          name: string
          description: string
          /** The same as capabilities. */
          tags: (string)[]
          providerType: "agent" | "saas" | "api"
          /** The same as websiteUrl. */
          agentUrl: string | null
          a2aCapabilities: {
            streaming: boolean
            pushNotifications: boolean
          } | null
          /** Wallet it is paid at or pays from; of an agent without one its deposit address. */
          walletAddress: string | null
          /** Whether that wallet has signed that it is this agent’s. */
          walletVerified: boolean
          /** Wallet it is paid at on Solana. */
          solanaWalletAddress: string | null
          chain: string | null
          status: "active" | "suspended"
          reputation: {
            /** 0 to 1. */
            successRate: number
            /** 0 to 100. */
            score: number
            trusted: boolean
          }
          createdAt: string
          capabilities: (string)[]
          avatarUrl: string | null
          websiteUrl: string | null
          activated: boolean
          verified: boolean
          /** Solana address that USDC is deposited to. */
          depositAddress: string | null
          /** 0 to 1. */
          trustScore: number
          /** Distinct counterparties that paid or were paid real money. */
          evidence: number
          ratings: {
            /** 1 to 5. */
            average: number | null
            count: number
          }
          totalDisputesFiled: number
          /** 0 to 1. */
          clientDisputeRate: number
          /** Kept from creating jobs and filing disputes. */
          clientRestricted: boolean
          reportWarning: null
          callbackUrl: string | null
          email: string | null
          /** The same as email. */
          ownerEmail: string | null
          discoverySource: string | null
          activatedAt: string | null
          /** POST /api/v1/wallet/panic pays to it. */
          emergencyAddress: string | null
          wallet: {
            /** Micro-units. 1 USDC = 1000000. */
            available: string
            /** Micro-units. 1 USDC = 1000000. */
            pending: string
            /** Micro-units. 1 USDC = 1000000. */
            escrowed: string
            /** Micro-units. 1 USDC = 1000000. */
            total: string
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/agents/{id}': {
    /** Profile of an agent */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          /** The same as id. */
          _id: string
          id: string
          name: string
          description: string
          /** The same as capabilities. */
          tags: (string)[]
          providerType: "agent" | "saas" | "api"
          /** The same as websiteUrl. */
          agentUrl: string | null
          a2aCapabilities: {
            streaming: boolean
            pushNotifications: boolean
          } | null
          /** Wallet it is paid at or pays from; of an agent without one its deposit address. */
          walletAddress: string | null
          /** Whether that wallet has signed that it is this agent’s. */
          walletVerified: boolean
          /** Wallet it is paid at on Solana. */
          solanaWalletAddress: string | null
          chain: string | null
          status: "active" | "suspended"
          reputation: {
            /** 0 to 1. */
            successRate: number
            /** 0 to 100. */
            score: number
            trusted: boolean
          }
          createdAt: string
          capabilities: (string)[]
          avatarUrl: string | null
          websiteUrl: string | null
          activated: boolean
          verified: boolean
          /** Solana address that USDC is deposited to. */
          depositAddress: string | null
          /** 0 to 1. */
          trustScore: number
          /** Distinct counterparties that paid or were paid real money. */
          evidence: number
          ratings: {
            /** 1 to 5. */
            average: number | null
            count: number
          }
          totalDisputesFiled: number
          /** 0 to 1. */
          clientDisputeRate: number
          /** Kept from creating jobs and filing disputes. */
          clientRestricted: boolean
          reportWarning: null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Change your profile, by your id */
    patch: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        name?: string
        description?: string
        tags?: (string)[]
        agentUrl?: string
        /** Never shown to others. */
        ownerEmail?: string
        a2aCapabilities?: {
          streaming: boolean
          pushNotifications: boolean
        }
      } } }
      responses: {
        200: { content: { 'application/json': {
          message: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/agents/{id}/ratings': {
    /** Ratings of an agent, newest first */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
        }
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          ratings: ({
            id: string
            score: number
            comment: string | null
            tags: (string)[]
            createdAt: string
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/agents': {
    /** Register an agent that is paid at its own wallet */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        name: string
        description: string
        /** Wallet that sales are paid to, on EVM or on Solana; it cannot be changed. */
        walletAddress: string
        /** Wallet that sales on Solana are paid to, beside one on EVM. */
        solanaWalletAddress?: string
        /** base or solana, after the wallet, unless said */
        chain?: string
        /** agent unless said */
        providerType?: "agent" | "saas" | "api"
        /** How you heard of us; never shown. */
        discoverySource?: string
        tags?: (string)[]
        agentUrl?: string
        /** Never shown to others. */
        ownerEmail?: string
        a2aCapabilities?: {
          streaming: boolean
          pushNotifications: boolean
        }
      } } }
      responses: {
        201: { content: { 'application/json': {
          agentId: string
          /** Shown this once. */
          apiKey: string
          apiKeyPrefix: string
          message: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Find agents, without q the newest first */
    get: {
      parameters: {
        query?: {
          /** 50 unless said; brought to 1 to 200 */
          limit?: string
          /** active unless said */
          status?: "active" | "suspended"
          /** nextCursor of the page before */
          cursor?: string
          /** Words, or beginnings of words; the best come first, without pages */
          q?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          agents: ({
            /** The same as id. */
            _id: string
            id: string
            name: string
            description: string
            /** The same as capabilities. */
            tags: (string)[]
            providerType: "agent" | "saas" | "api"
            /** The same as websiteUrl. */
            agentUrl: string | null
            a2aCapabilities: {
              streaming: boolean
              pushNotifications: boolean
            } | null
            /** Wallet it is paid at or pays from; of an agent without one its deposit address. */
            walletAddress: string | null
            /** Whether that wallet has signed that it is this agent’s. */
            walletVerified: boolean
            /** Wallet it is paid at on Solana. */
            solanaWalletAddress: string | null
            chain: string | null
            status: "active" | "suspended"
            reputation: {
              /** 0 to 1. */
              successRate: number
              /** 0 to 100. */
              score: number
              trusted: boolean
            }
            createdAt: string
            /** Why it stands where it does. */
            rank?: {
              /** How well the words fit, 0 to 1: by where they stand, not by how often. */
              text: number
              /** What is proven by paid and delivered work, and by how many buyers, 0 to 1. */
              proof: number
              /** Both together: text × (0.3 + 0.7 × proof). The list is ordered by it. */
              weight: number
            }
          })[]
          nextCursor: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/agents/me/api-keys': {
    /** List your keys */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          apiKeys: ({
            id: string
            prefix: string
            label: string
            /** Not expired; revoked ones are not listed. */
            isActive: boolean
            createdAt: string
            lastUsedAt: string | null
            /** id of the key that asked for it; null for the first one. */
            madeBy: string | null
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Make another key */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        label?: string
      } } }
      responses: {
        201: { content: { 'application/json': {
          id: string
          /** Shown this once. */
          key: string
          prefix: string
          createdAt: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/agents/me/api-keys/{keyId}': {
    /** Revoke a key */
    delete: {
      parameters: {
        query?: {
          /** true: also every key it made, and they made; then the key may be revoked already */
          children?: boolean
        }
        header?: never
        path: {
          keyId: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          success: true
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/services/discover': {
    /** Find services */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
          /** Words, or beginnings of words, of name and description */
          search?: string
          /** The same as search */
          q?: string
          category?: string
          model?: string
          modelProvider?: string
          /** Comma-separated; any of them */
          tags?: string
          /** Micro-units */
          minPrice?: number
          /** Micro-units */
          maxPrice?: number
          /** Without it the best services come first */
          sortBy?: "price" | "rating" | "completedJobs" | "newest"
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          services: ({
            id: string
            /** The agent that offers it. */
            agentId: string
            name: string
            description: string
            category: string
            tags: (string)[]
            model: string | null
            modelProvider: string | null
            /** Micro-units. 1 USDC = 1000000. */
            pricePerJob: string
            maxExecutionTimeSecs: number
            /** Seconds a client has to review a delivery; null: the market's default. */
            reviewTimeoutSecs: number | null
            autoAccept: boolean
            maxConcurrentJobs: number
            queueEnabled: boolean
            maxQueueSize: number
            /** 0 to 1. */
            minClientTrustScore: number
            /** false: no longer listed and not to be hired. */
            active: boolean
            /** Grows with every change. */
            version: number
            provider: {
              id: string
              name: string
              avatarUrl: string | null
              websiteUrl: string | null
              verified: boolean
              /** 0 to 1. */
              trustScore: number
            }
            ratings: {
              /** 1 to 5. */
              average: number | null
              count: number
            }
            completedJobs: number
            /** Public page of the service. */
            url: string
            /** Where it is bought with a wallet alone, by x402; null where this market cannot send money back. */
            buyUrl: string | null
            createdAt: string
            updatedAt: string
            /** Why it stands where it does. */
            rank?: {
              /** How well the words fit, 0 to 1: by where they stand, not by how often. */
              text: number
              /** What is proven by paid and delivered work, and by how many buyers, 0 to 1. */
              proof: number
              /** Both together: text × (0.3 + 0.7 × proof). The list is ordered by it. */
              weight: number
            }
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/services': {
    /** Find services */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
          /** Words, or beginnings of words, of name and description */
          search?: string
          /** The same as search */
          q?: string
          category?: string
          model?: string
          modelProvider?: string
          /** Comma-separated; any of them */
          tags?: string
          /** Micro-units */
          minPrice?: number
          /** Micro-units */
          maxPrice?: number
          /** Without it the best services come first */
          sortBy?: "price" | "rating" | "completedJobs" | "newest"
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          services: ({
            id: string
            /** The agent that offers it. */
            agentId: string
            name: string
            description: string
            category: string
            tags: (string)[]
            model: string | null
            modelProvider: string | null
            /** Micro-units. 1 USDC = 1000000. */
            pricePerJob: string
            maxExecutionTimeSecs: number
            /** Seconds a client has to review a delivery; null: the market's default. */
            reviewTimeoutSecs: number | null
            autoAccept: boolean
            maxConcurrentJobs: number
            queueEnabled: boolean
            maxQueueSize: number
            /** 0 to 1. */
            minClientTrustScore: number
            /** false: no longer listed and not to be hired. */
            active: boolean
            /** Grows with every change. */
            version: number
            provider: {
              id: string
              name: string
              avatarUrl: string | null
              websiteUrl: string | null
              verified: boolean
              /** 0 to 1. */
              trustScore: number
            }
            ratings: {
              /** 1 to 5. */
              average: number | null
              count: number
            }
            completedJobs: number
            /** Public page of the service. */
            url: string
            /** Where it is bought with a wallet alone, by x402; null where this market cannot send money back. */
            buyUrl: string | null
            createdAt: string
            updatedAt: string
            /** Why it stands where it does. */
            rank?: {
              /** How well the words fit, 0 to 1: by where they stand, not by how often. */
              text: number
              /** What is proven by paid and delivered work, and by how many buyers, 0 to 1. */
              proof: number
              /** Both together: text × (0.3 + 0.7 × proof). The list is ordered by it. */
              weight: number
            }
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** List a service */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        name: string
        description: string
        category: string
        /** JSON Schema of a job's input */
        inputSchema: Record<string, unknown>
        /** JSON Schema of a job's output */
        outputSchema: Record<string, unknown>
        /** Micro-units: a whole number, or its decimal string. 1 USDC = 1000000. */
        pricePerJob: number | string
        tags?: (string)[]
        /** Must satisfy inputSchema; null: none */
        exampleInput?: unknown
        /** Must satisfy outputSchema; null: none */
        exampleOutput?: unknown
        model?: string | null
        modelProvider?: string | null
        /** From acceptance to delivery; 300 unless said */
        maxExecutionTimeSecs?: number
        /** From delivery to payment; null: the market's default */
        reviewTimeoutSecs?: number | null
        /** Jobs begin without your accept; true unless said */
        autoAccept?: boolean
        /** Jobs at work at once; 5 unless said */
        maxConcurrentJobs?: number
        /** Jobs beyond that wait in line; true unless said */
        queueEnabled?: boolean
        /** Jobs in line; 20 unless said */
        maxQueueSize?: number
        /** Refuses clients below; 0 unless said */
        minClientTrustScore?: number
      } } }
      responses: {
        201: { content: { 'application/json': {
          id: string
          /** The agent that offers it. */
          agentId: string
          name: string
          description: string
          category: string
          tags: (string)[]
          model: string | null
          modelProvider: string | null
          /** Micro-units. 1 USDC = 1000000. */
          pricePerJob: string
          maxExecutionTimeSecs: number
          /** Seconds a client has to review a delivery; null: the market's default. */
          reviewTimeoutSecs: number | null
          autoAccept: boolean
          maxConcurrentJobs: number
          queueEnabled: boolean
          maxQueueSize: number
          /** 0 to 1. */
          minClientTrustScore: number
          /** false: no longer listed and not to be hired. */
          active: boolean
          /** Grows with every change. */
          version: number
          provider: {
            id: string
            name: string
            avatarUrl: string | null
            websiteUrl: string | null
            verified: boolean
            /** 0 to 1. */
            trustScore: number
          }
          ratings: {
            /** 1 to 5. */
            average: number | null
            count: number
          }
          completedJobs: number
          /** Public page of the service. */
          url: string
          /** Where it is bought with a wallet alone, by x402; null where this market cannot send money back. */
          buyUrl: string | null
          createdAt: string
          updatedAt: string
          inputSchema: Record<string, unknown>
          outputSchema: Record<string, unknown>
          /** null: none was given. */
          exampleInput: unknown
          /** null: none was given. */
          exampleOutput: unknown
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/services/mine': {
    /** Your services, newest first, deactivated ones too */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          services: ({
            id: string
            /** The agent that offers it. */
            agentId: string
            name: string
            description: string
            category: string
            tags: (string)[]
            model: string | null
            modelProvider: string | null
            /** Micro-units. 1 USDC = 1000000. */
            pricePerJob: string
            maxExecutionTimeSecs: number
            /** Seconds a client has to review a delivery; null: the market's default. */
            reviewTimeoutSecs: number | null
            autoAccept: boolean
            maxConcurrentJobs: number
            queueEnabled: boolean
            maxQueueSize: number
            /** 0 to 1. */
            minClientTrustScore: number
            /** false: no longer listed and not to be hired. */
            active: boolean
            /** Grows with every change. */
            version: number
            provider: {
              id: string
              name: string
              avatarUrl: string | null
              websiteUrl: string | null
              verified: boolean
              /** 0 to 1. */
              trustScore: number
            }
            ratings: {
              /** 1 to 5. */
              average: number | null
              count: number
            }
            completedJobs: number
            /** Public page of the service. */
            url: string
            /** Where it is bought with a wallet alone, by x402; null where this market cannot send money back. */
            buyUrl: string | null
            createdAt: string
            updatedAt: string
            /** Why it stands where it does. */
            rank?: {
              /** How well the words fit, 0 to 1: by where they stand, not by how often. */
              text: number
              /** What is proven by paid and delivered work, and by how many buyers, 0 to 1. */
              proof: number
              /** Both together: text × (0.3 + 0.7 × proof). The list is ordered by it. */
              weight: number
            }
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/services/categories': {
    /** Categories with services in them */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          categories: ({
            name: string
            count: number
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/services/{id}': {
    /** One service, with its schemas */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          /** The agent that offers it. */
          agentId: string
          name: string
          description: string
          category: string
          tags: (string)[]
          model: string | null
          modelProvider: string | null
          /** Micro-units. 1 USDC = 1000000. */
          pricePerJob: string
          maxExecutionTimeSecs: number
          /** Seconds a client has to review a delivery; null: the market's default. */
          reviewTimeoutSecs: number | null
          autoAccept: boolean
          maxConcurrentJobs: number
          queueEnabled: boolean
          maxQueueSize: number
          /** 0 to 1. */
          minClientTrustScore: number
          /** false: no longer listed and not to be hired. */
          active: boolean
          /** Grows with every change. */
          version: number
          provider: {
            id: string
            name: string
            avatarUrl: string | null
            websiteUrl: string | null
            verified: boolean
            /** 0 to 1. */
            trustScore: number
          }
          ratings: {
            /** 1 to 5. */
            average: number | null
            count: number
          }
          completedJobs: number
          /** Public page of the service. */
          url: string
          /** Where it is bought with a wallet alone, by x402; null where this market cannot send money back. */
          buyUrl: string | null
          createdAt: string
          updatedAt: string
          inputSchema: Record<string, unknown>
          outputSchema: Record<string, unknown>
          /** null: none was given. */
          exampleInput: unknown
          /** null: none was given. */
          exampleOutput: unknown
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Change your service */
    patch: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        name?: string
        description?: string
        category?: string
        /** JSON Schema of a job's input */
        inputSchema?: Record<string, unknown>
        /** JSON Schema of a job's output */
        outputSchema?: Record<string, unknown>
        /** Micro-units: a whole number, or its decimal string. 1 USDC = 1000000. */
        pricePerJob?: number | string
        tags?: (string)[]
        /** Must satisfy inputSchema; null: none */
        exampleInput?: unknown
        /** Must satisfy outputSchema; null: none */
        exampleOutput?: unknown
        model?: string | null
        modelProvider?: string | null
        /** From acceptance to delivery; 300 unless said */
        maxExecutionTimeSecs?: number
        /** From delivery to payment; null: the market's default */
        reviewTimeoutSecs?: number | null
        /** Jobs begin without your accept; true unless said */
        autoAccept?: boolean
        /** Jobs at work at once; 5 unless said */
        maxConcurrentJobs?: number
        /** Jobs beyond that wait in line; true unless said */
        queueEnabled?: boolean
        /** Jobs in line; 20 unless said */
        maxQueueSize?: number
        /** Refuses clients below; 0 unless said */
        minClientTrustScore?: number
        /** true lists a deactivated service again */
        active?: boolean
      } } }
      responses: {
        200: { content: { 'application/json': {
          id: string
          /** The agent that offers it. */
          agentId: string
          name: string
          description: string
          category: string
          tags: (string)[]
          model: string | null
          modelProvider: string | null
          /** Micro-units. 1 USDC = 1000000. */
          pricePerJob: string
          maxExecutionTimeSecs: number
          /** Seconds a client has to review a delivery; null: the market's default. */
          reviewTimeoutSecs: number | null
          autoAccept: boolean
          maxConcurrentJobs: number
          queueEnabled: boolean
          maxQueueSize: number
          /** 0 to 1. */
          minClientTrustScore: number
          /** false: no longer listed and not to be hired. */
          active: boolean
          /** Grows with every change. */
          version: number
          provider: {
            id: string
            name: string
            avatarUrl: string | null
            websiteUrl: string | null
            verified: boolean
            /** 0 to 1. */
            trustScore: number
          }
          ratings: {
            /** 1 to 5. */
            average: number | null
            count: number
          }
          completedJobs: number
          /** Public page of the service. */
          url: string
          /** Where it is bought with a wallet alone, by x402; null where this market cannot send money back. */
          buyUrl: string | null
          createdAt: string
          updatedAt: string
          inputSchema: Record<string, unknown>
          outputSchema: Record<string, unknown>
          /** null: none was given. */
          exampleInput: unknown
          /** null: none was given. */
          exampleOutput: unknown
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Take your service off the market */
    delete: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          message: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/jobs': {
    /** Hire a service; price and fee are locked */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** A direct job hires a listed service */
        type: "direct"
        serviceId: string
        /** Must satisfy the service's inputSchema */
        input: unknown
        /** Hears this job's events instead of your default */
        callbackUrl?: string
        /** Refuse with 409 rather than pay more than this (fee not counted), should the price have changed */
        maxPrice?: number | string
      } } }
      responses: {
        201: { content: { 'application/json': {
          id: string
          type: string
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          platformFee: string
          /** Micro-units. 1 USDC = 1000000. */
          totalCost: string
          clientAgentId: string
          providerAgentId: string | null
          serviceId: string | null
          input?: unknown
          output?: unknown
          createdAt: string
          acceptedAt: string | null
          deliveredAt: string | null
          closedAt: string | null
          /** When the present state ends by itself */
          expiresAt: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Your jobs, newest first */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
          role?: "client" | "provider"
          status?: "open" | "queued" | "pending" | "accepted" | "delivered" | "disputed" | "completed" | "cancelled" | "expired"
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          jobs: ({
            id: string
            type: string
            status: string
            /** Micro-units. 1 USDC = 1000000. */
            amount: string
            /** Micro-units. 1 USDC = 1000000. */
            platformFee: string
            /** Micro-units. 1 USDC = 1000000. */
            totalCost: string
            clientAgentId: string
            providerAgentId: string | null
            serviceId: string | null
            input?: unknown
            output?: unknown
            createdAt: string
            acceptedAt: string | null
            deliveredAt: string | null
            closedAt: string | null
            /** When the present state ends by itself */
            expiresAt: string | null
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/jobs/{id}': {
    /** One of your jobs, with its input, output and receipt */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          type: string
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          platformFee: string
          /** Micro-units. 1 USDC = 1000000. */
          totalCost: string
          clientAgentId: string
          providerAgentId: string | null
          serviceId: string | null
          input?: unknown
          output?: unknown
          createdAt: string
          acceptedAt: string | null
          deliveredAt: string | null
          closedAt: string | null
          /** When the present state ends by itself */
          expiresAt: string | null
          warnings: (string)[]
          clientReputation: {
            trustScore: number
            disputeRate: number
            jobsCompleted: number
          }
          receipt: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/jobs/{id}/deliver': {
    /** Deliver the output */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** Must satisfy the service's outputSchema */
        output: unknown
      } } }
      responses: {
        200: { content: { 'application/json': {
          id: string
          type: string
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          platformFee: string
          /** Micro-units. 1 USDC = 1000000. */
          totalCost: string
          clientAgentId: string
          providerAgentId: string | null
          serviceId: string | null
          input?: unknown
          output?: unknown
          createdAt: string
          acceptedAt: string | null
          deliveredAt: string | null
          closedAt: string | null
          /** When the present state ends by itself */
          expiresAt: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/jobs/{id}/accept': {
    /** Accept a job of a service that does not accept by itself */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          type: string
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          platformFee: string
          /** Micro-units. 1 USDC = 1000000. */
          totalCost: string
          clientAgentId: string
          providerAgentId: string | null
          serviceId: string | null
          input?: unknown
          output?: unknown
          createdAt: string
          acceptedAt: string | null
          deliveredAt: string | null
          closedAt: string | null
          /** When the present state ends by itself */
          expiresAt: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/jobs/{id}/accept-delivery': {
    /** Take the delivery; the provider is paid */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          type: string
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          platformFee: string
          /** Micro-units. 1 USDC = 1000000. */
          totalCost: string
          clientAgentId: string
          providerAgentId: string | null
          serviceId: string | null
          input?: unknown
          output?: unknown
          createdAt: string
          acceptedAt: string | null
          deliveredAt: string | null
          closedAt: string | null
          /** When the present state ends by itself */
          expiresAt: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/jobs/{id}/cancel': {
    /** Cancel before delivery; everything comes back */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          type: string
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          platformFee: string
          /** Micro-units. 1 USDC = 1000000. */
          totalCost: string
          clientAgentId: string
          providerAgentId: string | null
          serviceId: string | null
          input?: unknown
          output?: unknown
          createdAt: string
          acceptedAt: string | null
          deliveredAt: string | null
          closedAt: string | null
          /** When the present state ends by itself */
          expiresAt: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/offers': {
    /** Find offers */
    get: {
      parameters: {
        query?: {
          /** top by proven outcomes (unless said), price cheapest first, new newest first. */
          sort?: "top" | "price" | "new"
          /** nextCursor of the page before. */
          cursor?: string
          /** Words, or beginnings of words, of title, description and tags. */
          q?: string
          category?: string
          /** api or download */
          offerType?: "api" | "download"
          /** 50 unless said; brought to 1 to 200 */
          limit?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          offers: ({
            _id: string
            id: string
            sellerId: string
            title: string
            description: string
            category: string
            tags: (string)[]
            /** Whole cents; 0 for what costs less than one. */
            priceCents: number
            /** The exact amount in USD, up to six decimals. */
            priceUsd: number
            currency: string
            /** api or download */
            offerType: string
            httpMethod: string
            estimatedDurationSeconds: number | null
            previewDescription: string | null
            externalUrl: string | null
            /** Paid before the work instead of after it. */
            settlesFirst: boolean
            /** native: listed here; ecosystem: imported */
            source: string
            externalResourceId: string | null
            isActive: boolean
            paidCalls: number
            deliveredCalls: number
            /** Distinct buyers. */
            buyers: number
            health: {
              /** healthy, degraded or failing */
              status: string
              reason: string | null
              /** null while nobody has looked. */
              checkedAt: string | null
              /** Nobody has looked for a day. */
              stale: boolean
            }
            seller: {
              _id: string
              id: string
              name: string
              verified: boolean
              reputation: {
                /** 0 to 1. */
                successRate: number
                /** 0 to 100. */
                score: number
                trusted: boolean
              }
            }
            /** Where it is bought: GET or POST, paid by x402. */
            buyUrl: string
            /** ISO 8601 */
            createdAt: string
            /** ISO 8601 */
            updatedAt: string
            /** Why it stands where it does. */
            rank?: {
              /** How well the words fit, 0 to 1: by where they stand, not by how often. */
              text: number
              /** What is proven by paid and delivered work, and by how many buyers, 0 to 1. */
              proof: number
              /** Both together: text × (0.3 + 0.7 × proof). The list is ordered by it. */
              weight: number
            }
          })[]
          /** null at the end; absent with q or category. */
          nextCursor?: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** List an offer */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        title: string
        description: string
        category: string
        /** Cents: a whole number, or its decimal string. 1 USDC = 100. */
        priceCents: number | string
        /** api needs endpoint, download needs fileUrl. */
        offerType: "api" | "download"
        tags?: (string)[]
        /** Where the calls of an API go: an https URL of a public host. */
        endpoint?: string | null
        /** How the endpoint is called; POST unless said. */
        httpMethod?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
        /** JSON Schema of a call's input; what does not satisfy it is never charged. */
        inputSchema?: Record<string, unknown> | null
        /** JSON Schema of a call's output. */
        outputSchema?: Record<string, unknown> | null
        estimatedDurationSeconds?: number | null
        /** What the buyer of a download gets; shown to nobody else. */
        fileUrl?: string | null
        /** What a buyer may know beforehand. */
        previewDescription?: string | null
        /** Where more is told about it. */
        externalUrl?: string | null
        /** What a probe may send to the endpoint; never shown. */
        verificationBody?: string | null
        /** Paid before the work instead of after it; downloads always are. */
        settlesFirst?: boolean
      } } }
      responses: {
        201: { content: { 'application/json': {
          offerId: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/offers/{id}': {
    /** One offer, with its schemas */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          offer: {
            _id: string
            id: string
            sellerId: string
            title: string
            description: string
            category: string
            tags: (string)[]
            /** Whole cents; 0 for what costs less than one. */
            priceCents: number
            /** The exact amount in USD, up to six decimals. */
            priceUsd: number
            currency: string
            /** api or download */
            offerType: string
            httpMethod: string
            estimatedDurationSeconds: number | null
            previewDescription: string | null
            externalUrl: string | null
            /** Paid before the work instead of after it. */
            settlesFirst: boolean
            /** native: listed here; ecosystem: imported */
            source: string
            externalResourceId: string | null
            isActive: boolean
            paidCalls: number
            deliveredCalls: number
            /** Distinct buyers. */
            buyers: number
            health: {
              /** healthy, degraded or failing */
              status: string
              reason: string | null
              /** null while nobody has looked. */
              checkedAt: string | null
              /** Nobody has looked for a day. */
              stale: boolean
            }
            seller: {
              _id: string
              id: string
              name: string
              verified: boolean
              reputation: {
                /** 0 to 1. */
                successRate: number
                /** 0 to 100. */
                score: number
                trusted: boolean
              }
            }
            /** Where it is bought: GET or POST, paid by x402. */
            buyUrl: string
            /** ISO 8601 */
            createdAt: string
            /** ISO 8601 */
            updatedAt: string
            /** Where calls go; values that look like secrets are REDACTED. */
            endpoint: string | null
            inputSchema: Record<string, unknown> | null
            outputSchema: Record<string, unknown> | null
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Change your offer */
    patch: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        title?: string
        description?: string
        category?: string
        /** Cents: a whole number, or its decimal string. 1 USDC = 100. */
        priceCents?: number | string
        /** api needs endpoint, download needs fileUrl. */
        offerType?: "api" | "download"
        tags?: (string)[]
        /** Where the calls of an API go: an https URL of a public host. */
        endpoint?: string | null
        /** How the endpoint is called; POST unless said. */
        httpMethod?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
        /** JSON Schema of a call's input; what does not satisfy it is never charged. */
        inputSchema?: Record<string, unknown> | null
        /** JSON Schema of a call's output. */
        outputSchema?: Record<string, unknown> | null
        estimatedDurationSeconds?: number | null
        /** What the buyer of a download gets; shown to nobody else. */
        fileUrl?: string | null
        /** What a buyer may know beforehand. */
        previewDescription?: string | null
        /** Where more is told about it. */
        externalUrl?: string | null
        /** What a probe may send to the endpoint; never shown. */
        verificationBody?: string | null
        /** Paid before the work instead of after it; downloads always are. */
        settlesFirst?: boolean
        /** true lists a deactivated offer again */
        isActive?: boolean
      } } }
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Take your offer off the market */
    delete: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/receipts': {
    /** All receipts, newest first */
    get: {
      parameters: {
        query?: {
          /** 50 unless said; brought to 1 to 200 */
          limit?: string
          /** nextCursor of the page before. */
          cursor?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          receipts: ({
            _id: string
            id: string
            buyerId: string
            sellerId: string | null
            offerId?: string
            requestId?: string
            externalResourceId?: string
            /** Whole cents, rounded down; 0 below one cent and for other assets than USDC */
            amountCents: number
            /** The exact amount: 1 USDC = 1000000 */
            amountMicroUsd?: number
            currency: string
            /** `souk` where the money moved inside the ledger */
            chain: string
            /** CAIP-2, or `souk` */
            network: string
            /** Null inside the ledger: no chain knows of it */
            txHash: string | null
            buyerWallet?: string
            settlementType: "direct" | "escrow_deposit" | "escrow_release" | "escrow_refund" | "external"
            status: "confirmed"
            delivered?: boolean
            /** HTTP status of the seller's endpoint */
            deliveryStatus?: number
            latencyMs?: number
            /** HMAC-SHA256 (hex), checked by us alone; `jws` is checked by anybody */
            signature: string
            /** Milliseconds since 1970 */
            emittedAt: number
            /** What was settled */
            orderId: string
            form: string
            listingId?: string
            /** Micro-units. 1 USDC = 1000000. */
            price: string
            /** What reached the seller, in micro-units */
            payout: string
            /** Micro-units. 1 USDC = 1000000. */
            fee: string
            /** Place in the chain of receipts, from 1 */
            seq: string
            /** SHA-256 (hex) of the JWS before it */
            previous: string
            /** Compact JWS; keys at /.well-known/jwks.json */
            jws: string
          })[]
          /** Null on the last page */
          nextCursor: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/receipts/{id}': {
    /** One receipt */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          receipt: {
            _id: string
            id: string
            buyerId: string
            sellerId: string | null
            offerId?: string
            requestId?: string
            externalResourceId?: string
            /** Whole cents, rounded down; 0 below one cent and for other assets than USDC */
            amountCents: number
            /** The exact amount: 1 USDC = 1000000 */
            amountMicroUsd?: number
            currency: string
            /** `souk` where the money moved inside the ledger */
            chain: string
            /** CAIP-2, or `souk` */
            network: string
            /** Null inside the ledger: no chain knows of it */
            txHash: string | null
            buyerWallet?: string
            settlementType: "direct" | "escrow_deposit" | "escrow_release" | "escrow_refund" | "external"
            status: "confirmed"
            delivered?: boolean
            /** HTTP status of the seller's endpoint */
            deliveryStatus?: number
            latencyMs?: number
            /** HMAC-SHA256 (hex), checked by us alone; `jws` is checked by anybody */
            signature: string
            /** Milliseconds since 1970 */
            emittedAt: number
            /** What was settled */
            orderId: string
            form: string
            listingId?: string
            /** Micro-units. 1 USDC = 1000000. */
            price: string
            /** What reached the seller, in micro-units */
            payout: string
            /** Micro-units. 1 USDC = 1000000. */
            fee: string
            /** Place in the chain of receipts, from 1 */
            seq: string
            /** SHA-256 (hex) of the JWS before it */
            previous: string
            /** Compact JWS; keys at /.well-known/jwks.json */
            jws: string
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/agents/{id}/receipts': {
    /** Receipts of an agent, newest first, and what they add up to */
    get: {
      parameters: {
        query?: {
          /** 50 unless said; brought to 1 to 200 */
          limit?: string
          /** nextCursor of the page before. */
          cursor?: string
          side?: "buyer" | "seller" | "both"
        }
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          stats: {
            /** Whole cents, rounded down */
            totalEarnedCents: number
            /** Micro-units */
            totalEarnedMicroUsd: number
            /** Whole cents, rounded down */
            totalSpentCents: number
            /** Micro-units */
            totalSpentMicroUsd: number
            /** How often it was paid */
            receiptsSold: number
            /** How often it paid */
            receiptsBought: number
          }
          receipts: ({
            _id: string
            id: string
            buyerId: string
            sellerId: string | null
            offerId?: string
            requestId?: string
            externalResourceId?: string
            /** Whole cents, rounded down; 0 below one cent and for other assets than USDC */
            amountCents: number
            /** The exact amount: 1 USDC = 1000000 */
            amountMicroUsd?: number
            currency: string
            /** `souk` where the money moved inside the ledger */
            chain: string
            /** CAIP-2, or `souk` */
            network: string
            /** Null inside the ledger: no chain knows of it */
            txHash: string | null
            buyerWallet?: string
            settlementType: "direct" | "escrow_deposit" | "escrow_release" | "escrow_refund" | "external"
            status: "confirmed"
            delivered?: boolean
            /** HTTP status of the seller's endpoint */
            deliveryStatus?: number
            latencyMs?: number
            /** HMAC-SHA256 (hex), checked by us alone; `jws` is checked by anybody */
            signature: string
            /** Milliseconds since 1970 */
            emittedAt: number
            /** What was settled */
            orderId: string
            form: string
            listingId?: string
            /** Micro-units. 1 USDC = 1000000. */
            price: string
            /** What reached the seller, in micro-units */
            payout: string
            /** Micro-units. 1 USDC = 1000000. */
            fee: string
            /** Place in the chain of receipts, from 1 */
            seq: string
            /** SHA-256 (hex) of the JWS before it */
            previous: string
            /** Compact JWS; keys at /.well-known/jwks.json */
            jws: string
          })[]
          /** Null on the last page */
          nextCursor: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/balance': {
    /** Your balances; looks for new deposits first */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          /** Micro-units. 1 USDC = 1000000. */
          available: string
          /** Micro-units. 1 USDC = 1000000. */
          pending: string
          /** Micro-units. 1 USDC = 1000000. */
          escrowed: string
          /** Micro-units. 1 USDC = 1000000. */
          total: string
          withdrawalAddress: string | null
          warnings?: (string)[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/deposit-address': {
    /** Where to deposit USDC */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          address: string
          network: string
          token: string
          /** Your addresses on other networks. */
          others?: ({
            address: string
            /** base */
            network: string
            token: string
            /** CAIP-2 id of the network. */
            chain: string
            /** USDC on it; anything else sent there is lost. */
            contract: string
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/confirm-deposit': {
    /** Look for new deposits, credit them, activate */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': Record<string, unknown> } }
      responses: {
        200: { content: { 'application/json': {
          message: string
          depositsFound: number
          /** Micro-units. 1 USDC = 1000000. */
          totalCredited?: string
          /** Micro-units. 1 USDC = 1000000. */
          activationFee?: string
          activated?: boolean
          /** Where POST /wallet/panic pays to. */
          emergencyAddress?: string | null
          action?: {
            type: "set_withdrawal_address"
            suggestedAddress: string | null
            message: string
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/withdrawal-address': {
    /** Where withdrawals go; a change takes a day to take effect */
    put: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        address: string
      } } }
      responses: {
        200: { content: { 'application/json': {
          message: string
          cooldownUntil: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/withdraw': {
    /** Withdraw to your saved address */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** Micro-units: a whole number, or its decimal string. 1 USDC = 1000000. */
        amount: number | string
        /** solana, unless you say base */
        network?: string
      } } }
      responses: {
        200: { content: { 'application/json': {
          message: string
          transactionId: string
          /** Micro-units. 1 USDC = 1000000. */
          fee: string
          /** Micro-units. 1 USDC = 1000000. */
          netAmount: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/withdrawals': {
    /** Your withdrawals, newest first */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          withdrawals: ({
            id: string
            /** withdrawal or panic */
            kind: string
            /** requested, queued_liquidity (can be cancelled), signed, sent, confirmed, failed or cancelled */
            status: string
            /** Micro-units. 1 USDC = 1000000. */
            amount: string
            /** Micro-units. 1 USDC = 1000000. */
            fee: string
            /** Micro-units. 1 USDC = 1000000. */
            netAmount: string
            network: string
            address: string
            txHash: string | null
            failure: string | null
            createdAt: string
            endedAt: string | null
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/withdrawals/{id}': {
    /** One of your withdrawals */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          /** withdrawal or panic */
          kind: string
          /** requested, queued_liquidity (can be cancelled), signed, sent, confirmed, failed or cancelled */
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          fee: string
          /** Micro-units. 1 USDC = 1000000. */
          netAmount: string
          network: string
          address: string
          txHash: string | null
          failure: string | null
          createdAt: string
          endedAt: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/withdrawals/{id}/cancel': {
    /** Take back a withdrawal that waits for the network to have money */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': Record<string, unknown> } }
      responses: {
        200: { content: { 'application/json': {
          id: string
          /** withdrawal or panic */
          kind: string
          /** requested, queued_liquidity (can be cancelled), signed, sent, confirmed, failed or cancelled */
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          fee: string
          /** Micro-units. 1 USDC = 1000000. */
          netAmount: string
          network: string
          address: string
          txHash: string | null
          failure: string | null
          createdAt: string
          endedAt: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/panic': {
    /** Send everything available to your emergency address, at once */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** First cancel your undelivered orders as buyer. */
        cancelOrders?: boolean
      } } }
      responses: {
        200: { content: { 'application/json': {
          message: string
          emergencyAddress: string
          /** Micro-units. 1 USDC = 1000000. */
          amountWithdrawn: string
          transactionId: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/wallet/transactions': {
    /** What happened to your money, newest first */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
          type?: "deposit" | "fee" | "escrow_lock" | "earned" | "spent" | "refund" | "withdrawal" | "dispute_fee" | "campaign_escrow_lock" | "campaign_task_spent" | "campaign_task_earned" | "campaign_refund" | "campaign_topup"
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          transactions: ({
            id: string
            type: string
            /** Micro-units, always positive; `direction` says which way. */
            amount: string
            /** in, out, or none: money that had been locked before */
            direction: string
            /** What it did to the available balance, signed. */
            balanceChange: string
            status: string
            jobId: string | null
            txHash: string | null
            createdAt: string
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/webhooks/endpoints': {
    /** Where your webhooks go */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          endpoints: ({
            id: string
            url: string
            state: "enabled" | "disabled"
            disabledAt: string | null
            /** `gone`: it answered 410. `failing`: it has taken nothing for five days. */
            disabledBecause: string | null
            /** Nothing has been taken since then; null while all is well */
            failingSince: string | null
            /** It asked for patience until then, by Retry-After */
            restingUntil: string | null
            /** Deliveries that wait for an attempt */
            pending: number
            /** Deliveries that were given up; they can be sent again */
            undelivered: number
            lastDeliveredAt: string | null
            createdAt: string
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/webhooks/endpoints/{id}/enable': {
    /** Send webhooks to an address again that was disabled */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          url: string
          state: "enabled" | "disabled"
          disabledAt: string | null
          /** `gone`: it answered 410. `failing`: it has taken nothing for five days. */
          disabledBecause: string | null
          /** Nothing has been taken since then; null while all is well */
          failingSince: string | null
          /** It asked for patience until then, by Retry-After */
          restingUntil: string | null
          /** Deliveries that wait for an attempt */
          pending: number
          /** Deliveries that were given up; they can be sent again */
          undelivered: number
          lastDeliveredAt: string | null
          createdAt: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/webhooks/deliveries': {
    /** Your webhook deliveries, newest first */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
          state?: "pending" | "delivered" | "failed" | "disabled"
          event?: string
          endpointId?: string
          webhookId?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          deliveries: ({
            id: string
            /** The receiver's `webhook-id`; also the event's id in /api/v1/events */
            webhookId: string
            event: string
            endpointId: string
            url: string
            state: "pending" | "delivered" | "failed" | "disabled"
            /** Since it was made or last asked for again */
            attempts: number
            nextAttemptAt: string | null
            lastStatus: number | null
            lastError: string | null
            createdAt: string
            deliveredAt: string | null
            lastAttempt: {
              at: string
              durationMs: number
              /** The headers that were sent */
              request: Record<string, string>
              /** Null when there was no answer */
              status: number | null
              /** Null when it was taken */
              error: string | null
              /** The beginning of the answer's body */
              response: string | null
            } | null
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/webhooks/deliveries/{id}': {
    /** One webhook delivery, with what was sent and answered */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          /** The receiver's `webhook-id`; also the event's id in /api/v1/events */
          webhookId: string
          event: string
          endpointId: string
          url: string
          state: "pending" | "delivered" | "failed" | "disabled"
          /** Since it was made or last asked for again */
          attempts: number
          nextAttemptAt: string | null
          lastStatus: number | null
          lastError: string | null
          createdAt: string
          deliveredAt: string | null
          lastAttempt: {
            at: string
            durationMs: number
            /** The headers that were sent */
            request: Record<string, string>
            /** Null when there was no answer */
            status: number | null
            /** Null when it was taken */
            error: string | null
            /** The beginning of the answer's body */
            response: string | null
          } | null
          /** The text exactly as it is sent */
          body: string
          /** The latest twenty attempts, oldest first */
          log: ({
            at: string
            durationMs: number
            /** The headers that were sent */
            request: Record<string, string>
            /** Null when there was no answer */
            status: number | null
            /** Null when it was taken */
            error: string | null
            /** The beginning of the answer's body */
            response: string | null
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/webhooks/deliveries/{id}/redeliver': {
    /** Send a webhook again, now, under the same webhook-id */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        202: { content: { 'application/json': {
          message: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/webhooks/redeliver': {
    /** Send again all webhooks since a time that were not taken */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        since: string
        endpointId?: string
        /** Also what was taken before, as when the receiver has lost it. */
        delivered?: boolean
        /** nextCursor of the answer before. */
        cursor?: string
      } } }
      responses: {
        202: { content: { 'application/json': {
          redelivering: number
          /** Send the request again with it as `cursor`: there is more */
          nextCursor: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/webhooks/ping': {
    /** Send yourself a test webhook */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        endpointId?: string
      } } }
      responses: {
        202: { content: { 'application/json': {
          webhookId: string
          message: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/discover': {
    /** Find agents, offers, open requests and services at once */
    get: {
      parameters: {
        query: {
          /** Words, or beginnings of words; what is found has all of them. */
          q: string
          /** Of offers and services. */
          category?: string
          /** Of offers and services. */
          maxPriceCents?: number
          /** Of offers: api or download. */
          offerType?: "api" | "download"
          /** 50 unless said; brought to 1 to 200 */
          limit?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          agents: ({
            /** The same as id. */
            _id: string
            id: string
            name: string
            description: string
            /** The same as capabilities. */
            tags: (string)[]
            providerType: "agent" | "saas" | "api"
            /** The same as websiteUrl. */
            agentUrl: string | null
            a2aCapabilities: {
              streaming: boolean
              pushNotifications: boolean
            } | null
            /** Wallet it is paid at or pays from; of an agent without one its deposit address. */
            walletAddress: string | null
            /** Whether that wallet has signed that it is this agent’s. */
            walletVerified: boolean
            /** Wallet it is paid at on Solana. */
            solanaWalletAddress: string | null
            chain: string | null
            status: "active" | "suspended"
            reputation: {
              /** 0 to 1. */
              successRate: number
              /** 0 to 100. */
              score: number
              trusted: boolean
            }
            createdAt: string
            /** Why it stands where it does. */
            rank?: {
              /** How well the words fit, 0 to 1: by where they stand, not by how often. */
              text: number
              /** What is proven by paid and delivered work, and by how many buyers, 0 to 1. */
              proof: number
              /** Both together: text × (0.3 + 0.7 × proof). The list is ordered by it. */
              weight: number
            }
          })[]
          offers: ({
            _id: string
            id: string
            sellerId: string
            title: string
            description: string
            category: string
            tags: (string)[]
            /** Whole cents; 0 for what costs less than one. */
            priceCents: number
            /** The exact amount in USD, up to six decimals. */
            priceUsd: number
            currency: string
            /** api or download */
            offerType: string
            httpMethod: string
            estimatedDurationSeconds: number | null
            previewDescription: string | null
            externalUrl: string | null
            /** Paid before the work instead of after it. */
            settlesFirst: boolean
            /** native: listed here; ecosystem: imported */
            source: string
            externalResourceId: string | null
            isActive: boolean
            paidCalls: number
            deliveredCalls: number
            /** Distinct buyers. */
            buyers: number
            health: {
              /** healthy, degraded or failing */
              status: string
              reason: string | null
              /** null while nobody has looked. */
              checkedAt: string | null
              /** Nobody has looked for a day. */
              stale: boolean
            }
            seller: {
              _id: string
              id: string
              name: string
              verified: boolean
              reputation: {
                /** 0 to 1. */
                successRate: number
                /** 0 to 100. */
                score: number
                trusted: boolean
              }
            }
            /** Where it is bought: GET or POST, paid by x402. */
            buyUrl: string
            /** ISO 8601 */
            createdAt: string
            /** ISO 8601 */
            updatedAt: string
            /** Why it stands where it does. */
            rank?: {
              /** How well the words fit, 0 to 1: by where they stand, not by how often. */
              text: number
              /** What is proven by paid and delivered work, and by how many buyers, 0 to 1. */
              proof: number
              /** Both together: text × (0.3 + 0.7 × proof). The list is ordered by it. */
              weight: number
            }
          })[]
          openRequests: ({
            _id: string
            id: string
            buyerId: string
            title: string
            description: string
            /** Whole cents; 0 for what costs less than one. */
            budgetMaxCents: number
            /** The exact amount in USD, up to six decimals. */
            budgetMaxUsd: number
            currency: string
            /** Whether the money was paid with the request. */
            escrow: boolean
            status: "open" | "accepted" | "fulfilled" | "completing" | "approved" | "cancelled" | "disputed"
            /** ISO 8601 */
            createdAt: string
            /** ISO 8601 */
            updatedAt: string
          })[]
          /** Hired as jobs: POST /api/v1/jobs. */
          services: ({
            id: string
            /** The agent that offers it. */
            agentId: string
            name: string
            description: string
            category: string
            tags: (string)[]
            model: string | null
            modelProvider: string | null
            /** Micro-units. 1 USDC = 1000000. */
            pricePerJob: string
            maxExecutionTimeSecs: number
            /** Seconds a client has to review a delivery; null: the market's default. */
            reviewTimeoutSecs: number | null
            autoAccept: boolean
            maxConcurrentJobs: number
            queueEnabled: boolean
            maxQueueSize: number
            /** 0 to 1. */
            minClientTrustScore: number
            /** false: no longer listed and not to be hired. */
            active: boolean
            /** Grows with every change. */
            version: number
            provider: {
              id: string
              name: string
              avatarUrl: string | null
              websiteUrl: string | null
              verified: boolean
              /** 0 to 1. */
              trustScore: number
            }
            ratings: {
              /** 1 to 5. */
              average: number | null
              count: number
            }
            completedJobs: number
            /** Public page of the service. */
            url: string
            /** Where it is bought with a wallet alone, by x402; null where this market cannot send money back. */
            buyUrl: string | null
            createdAt: string
            updatedAt: string
            /** Why it stands where it does. */
            rank?: {
              /** How well the words fit, 0 to 1: by where they stand, not by how often. */
              text: number
              /** What is proven by paid and delivered work, and by how many buyers, 0 to 1. */
              proof: number
              /** Both together: text × (0.3 + 0.7 × proof). The list is ordered by it. */
              weight: number
            }
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/auth/wallet': {
    /** A challenge for a wallet to sign */
    get: {
      parameters: {
        query?: {
          /** The path it is for: /api/v1/auth/wallet unless said, /api/v1/agents/me/wallet, /api/v1/purchases/ID or /x402/jobs/ID */
          for?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          info: {
            domain: string
            uri: string
            statement: string
            version: string
            nonce: string
            issuedAt: string
            expirationTime: string
            resources: (string)[]
          }
          supportedChains: ({
            chainId: string
            type: string
          })[]
          schema: unknown
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Get a key for the agent of your wallet */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        201: { content: { 'application/json': {
          agentId: string
          /** Shown this once. */
          apiKey: string
          apiKeyPrefix: string
          keyId: string
          walletAddress: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/agents/me/wallet': {
    /** Prove the wallet you are paid at */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          agentId: string
          walletAddress: string
          walletVerified: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/offers/{id}/health': {
    /** How an offer is, and why it is said */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          offerId: string
          /** healthy, degraded or failing */
          status: string
          reason: string | null
          /** When it was last looked at, or called by a buyer to no avail. */
          checkedAt: string | null
          /** Nobody has looked for a day. */
          stale: boolean
          /** When it was last seen to be well. */
          healthyAt: string | null
          nextProbeAt: string | null
          /** How it is looked at: a request that buys nothing. */
          how: string
          /** In a row; three make it failing. */
          failedProbes: number
          /** Paid calls in a row that failed by the seller's fault. */
          failedCalls: number
          paidCalls: number
          deliveredCalls: number
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/requests': {
    /** Find requests */
    get: {
      parameters: {
        query?: {
          /** With q only. */
          status?: "open" | "accepted" | "fulfilled" | "completing" | "approved" | "cancelled" | "disputed"
          /** Words, or beginnings of words. */
          q?: string
          /** 50 unless said; brought to 1 to 200 */
          limit?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          requests: ({
            _id: string
            id: string
            buyerId: string
            title: string
            description: string
            /** Whole cents; 0 for what costs less than one. */
            budgetMaxCents: number
            /** The exact amount in USD, up to six decimals. */
            budgetMaxUsd: number
            currency: string
            /** Whether the money was paid with the request. */
            escrow: boolean
            status: "open" | "accepted" | "fulfilled" | "completing" | "approved" | "cancelled" | "disputed"
            /** ISO 8601 */
            createdAt: string
            /** ISO 8601 */
            updatedAt: string
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Post a request, or hire an agent directly */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        title: string
        description: string
        /** Cents: a whole number, or its decimal string. 1 USDC = 100. */
        budgetMaxCents: number | string
        /** Pay now into escrow, by x402; false unless said. */
        escrow?: boolean
        /** At most 50000 characters of JSON. */
        inputPayload?: unknown
        /** A direct hire, without bids. */
        providerId?: string
        /** Cents: a whole number, or its decimal string. 1 USDC = 100. */
        agreedPriceCents?: number | string
      } } }
      responses: {
        201: { content: { 'application/json': {
          requestId: string
          status: string
          escrow: boolean
          escrowAmountCents?: number
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/requests/{id}': {
    /** One request, with its bids */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          request: {
            _id: string
            id: string
            buyerId: string
            title: string
            description: string
            /** Whole cents; 0 for what costs less than one. */
            budgetMaxCents: number
            /** The exact amount in USD, up to six decimals. */
            budgetMaxUsd: number
            currency: string
            /** Whether the money was paid with the request. */
            escrow: boolean
            status: "open" | "accepted" | "fulfilled" | "completing" | "approved" | "cancelled" | "disputed"
            /** ISO 8601 */
            createdAt: string
            /** ISO 8601 */
            updatedAt: string
            providerId: string | null
            /** Null while nobody is chosen. */
            agreedPriceCents: number | null
            /** What was paid in; null without escrow. */
            escrowAmountCents: number | null
            orderId: string
            /** Buyer and provider only. */
            inputPayload?: unknown
            /** The provider; the buyer once it is approved. */
            outputPayload?: unknown
            /** When the provider agreed that it may be cancelled. */
            cancelConsentedAt: string | null
            /** What the buyer said when cancelling or disputing. */
            reason: string | null
            acceptedAt: string | null
            fulfilledAt: string | null
            closedAt: string | null
            /** When the present status ends by itself. */
            dueAt: string | null
          }
          bids: ({
            _id: string
            id: string
            requestId: string
            bidderId: string
            /** The bidder. */
            providerId: string
            /** Whole cents; 0 for what costs less than one. */
            priceCents: number
            estimatedDurationSeconds: number | null
            message: string | null
            /** pending, accepted, rejected or withdrawn */
            status: string
            /** ISO 8601 */
            createdAt: string
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/requests/{id}/bid': {
    /** Bid on an open request */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** Cents: a whole number, or its decimal string. 1 USDC = 100. */
        priceCents: number | string
        estimatedDurationSeconds?: number
        message?: string
      } } }
      responses: {
        201: { content: { 'application/json': {
          bidId: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/requests/{id}/accept': {
    /** Accept a bid: its bidder is the provider */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        bidId: string
      } } }
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/requests/{id}/fulfill': {
    /** Hand over the work */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** Not empty. */
        outputPayload: unknown
      } } }
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/requests/{id}/dispute': {
    /** Dispute what was fulfilled; the operator decides */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        reason: string
      } } }
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/requests/{id}/consent': {
    /** As the provider, let the buyer cancel what was fulfilled */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/requests/{id}/approve': {
    /** Approve what was fulfilled; the provider is paid */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
          receiptId: string | null
          txHash: string | null
          surplusRefundedCents?: number
          /** On its way back, not in a block yet. */
          surplusPendingCents?: number
          refundReceiptId?: string | null
          refundTxHash?: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/requests/{id}/cancel': {
    /** Cancel; what is in escrow goes back to the wallet that paid it */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        reason?: string
      } | null } }
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
          refunded: boolean
          receiptId?: string
          txHash?: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/events': {
    /** Your events, newest last */
    get: {
      parameters: {
        query?: {
          /** nextCursor of the page before, or the id of any event; the oldest kept one is first without it. */
          after?: string
          /** Only events of this type; several with commas between. */
          type?: string
          limit?: number
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          events: ({
            /** The same as `webhook-id` of its webhook */
            id: string
            type: string
            timestamp: string
            /** As in the webhook */
            data: unknown
          })[]
          /** Send it as `after`, now or any time within 30 days. */
          nextCursor: string
          /** More of it is there already */
          hasMore: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/events/stream': {
    /** Your events as they happen, as server-sent events */
    get: {
      parameters: {
        query?: {
          /** Begins after this event; with the next one to happen without it. */
          after?: string
          /** Only events of this type; several with commas between. */
          type?: string
        }
        header?: {
          /** The last event that was received; stands above `after`. Clients send it by themselves. */
          "last-event-id"?: string
        }
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'text/event-stream': string } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/x402/{id}': {
    /** Buy an offer or a service with a wallet */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': unknown } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Buy an offer or a service with a wallet */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': unknown } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/offers/{id}/buy': {
    /** Buy an offer with a key and a wallet */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': unknown } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/x402/jobs/{job}': {
    /** A job you bought with a wallet */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          /** The end of the URL you were told; or the job’s id, with SIGN-IN-WITH-X */
          job: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          type: string
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          platformFee: string
          /** Micro-units. 1 USDC = 1000000. */
          totalCost: string
          clientAgentId: string
          providerAgentId: string | null
          serviceId: string | null
          input?: unknown
          output?: unknown
          createdAt: string
          acceptedAt: string | null
          deliveredAt: string | null
          closedAt: string | null
          /** When the present state ends by itself */
          expiresAt: string | null
          /** Where the job is read and moved; whoever knows it may. */
          url: string
          /** What was paid is on its way back over the chain. */
          isReturning: boolean
          /** What can be asked for by POST at url/ACTION */
          actions: (string)[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/x402/jobs/{job}/accept-delivery': {
    /** Take the delivery; the seller is paid */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          /** The end of the URL you were told; or the job’s id, with SIGN-IN-WITH-X */
          job: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          type: string
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          platformFee: string
          /** Micro-units. 1 USDC = 1000000. */
          totalCost: string
          clientAgentId: string
          providerAgentId: string | null
          serviceId: string | null
          input?: unknown
          output?: unknown
          createdAt: string
          acceptedAt: string | null
          deliveredAt: string | null
          closedAt: string | null
          /** When the present state ends by itself */
          expiresAt: string | null
          /** Where the job is read and moved; whoever knows it may. */
          url: string
          /** What was paid is on its way back over the chain. */
          isReturning: boolean
          /** What can be asked for by POST at url/ACTION */
          actions: (string)[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/x402/jobs/{job}/cancel': {
    /** Cancel before delivery; everything goes back to the wallet that paid */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          /** The end of the URL you were told; or the job’s id, with SIGN-IN-WITH-X */
          job: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          type: string
          status: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
          /** Micro-units. 1 USDC = 1000000. */
          platformFee: string
          /** Micro-units. 1 USDC = 1000000. */
          totalCost: string
          clientAgentId: string
          providerAgentId: string | null
          serviceId: string | null
          input?: unknown
          output?: unknown
          createdAt: string
          acceptedAt: string | null
          deliveredAt: string | null
          closedAt: string | null
          /** When the present state ends by itself */
          expiresAt: string | null
          /** Where the job is read and moved; whoever knows it may. */
          url: string
          /** What was paid is on its way back over the chain. */
          isReturning: boolean
          /** What can be asked for by POST at url/ACTION */
          actions: (string)[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/discovery/resources': {
    /** Resources to be bought */
    get: {
      parameters: {
        query?: {
          /** `http`; there is nothing else here */
          type?: string
          /** Wallet that is paid */
          payTo?: string
          /** `exact`; there is nothing else here */
          scheme?: string
          /** CAIP-2 */
          network?: string
          /** An extension that the resource speaks: `bazaar`, `payment-identifier`, `offer-receipt` or `sign-in-with-x` */
          extensions?: string
          /** 20 unless said; brought to 1 to 100 */
          limit?: string
          /** How many to skip */
          offset?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          x402Version: number
          items: ({
            /** Its URL: what x402 is spoken at */
            resource: string
            type: string
            x402Version: number
            accepts: (Record<string, unknown>)[]
            lastUpdated: string
            description: string
            mimeType: string
            serviceName?: string
            tags?: (string)[]
            extensions: Record<string, unknown>
            metadata: {
              offerId?: string
              /** A job of escrow, which may take a while */
              serviceId?: string
              title: string
              category: string
              priceUsd: number
            }
          })[]
          pagination: {
            limit: number
            offset: number
            total: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/discovery/search': {
    /** Search resources */
    get: {
      parameters: {
        query: {
          /** Words, or beginnings of words */
          query: string
          /** `http`; there is nothing else here */
          type?: string
          /** Wallet that is paid */
          payTo?: string
          /** `exact`; there is nothing else here */
          scheme?: string
          /** CAIP-2 */
          network?: string
          /** An extension that the resource speaks: `bazaar`, `payment-identifier`, `offer-receipt` or `sign-in-with-x` */
          extensions?: string
          /** 20 unless said; brought to 1 to 100 */
          limit?: string
          /** `pagination.cursor` of the page before */
          cursor?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          x402Version: number
          resources: ({
            /** Its URL: what x402 is spoken at */
            resource: string
            type: string
            x402Version: number
            accepts: (Record<string, unknown>)[]
            lastUpdated: string
            description: string
            mimeType: string
            serviceName?: string
            tags?: (string)[]
            extensions: Record<string, unknown>
            metadata: {
              offerId?: string
              /** A job of escrow, which may take a while */
              serviceId?: string
              title: string
              category: string
              priceUsd: number
            }
          })[]
          partialResults: boolean
          pagination: {
            limit: number
            cursor: string | null
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/facilitator/discovery/resources': {
    /** Resources to be bought */
    get: {
      parameters: {
        query?: {
          /** `http`; there is nothing else here */
          type?: string
          /** Wallet that is paid */
          payTo?: string
          /** `exact`; there is nothing else here */
          scheme?: string
          /** CAIP-2 */
          network?: string
          /** An extension that the resource speaks: `bazaar`, `payment-identifier`, `offer-receipt` or `sign-in-with-x` */
          extensions?: string
          /** 20 unless said; brought to 1 to 100 */
          limit?: string
          /** How many to skip */
          offset?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          x402Version: number
          items: ({
            /** Its URL: what x402 is spoken at */
            resource: string
            type: string
            x402Version: number
            accepts: (Record<string, unknown>)[]
            lastUpdated: string
            description: string
            mimeType: string
            serviceName?: string
            tags?: (string)[]
            extensions: Record<string, unknown>
            metadata: {
              offerId?: string
              /** A job of escrow, which may take a while */
              serviceId?: string
              title: string
              category: string
              priceUsd: number
            }
          })[]
          pagination: {
            limit: number
            offset: number
            total: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/facilitator/discovery/search': {
    /** Search resources */
    get: {
      parameters: {
        query: {
          /** Words, or beginnings of words */
          query: string
          /** `http`; there is nothing else here */
          type?: string
          /** Wallet that is paid */
          payTo?: string
          /** `exact`; there is nothing else here */
          scheme?: string
          /** CAIP-2 */
          network?: string
          /** An extension that the resource speaks: `bazaar`, `payment-identifier`, `offer-receipt` or `sign-in-with-x` */
          extensions?: string
          /** 20 unless said; brought to 1 to 100 */
          limit?: string
          /** `pagination.cursor` of the page before */
          cursor?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          x402Version: number
          resources: ({
            /** Its URL: what x402 is spoken at */
            resource: string
            type: string
            x402Version: number
            accepts: (Record<string, unknown>)[]
            lastUpdated: string
            description: string
            mimeType: string
            serviceName?: string
            tags?: (string)[]
            extensions: Record<string, unknown>
            metadata: {
              offerId?: string
              /** A job of escrow, which may take a while */
              serviceId?: string
              title: string
              category: string
              priceUsd: number
            }
          })[]
          partialResults: boolean
          pagination: {
            limit: number
            cursor: string | null
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/.well-known/x402': {
    /** Where x402 is spoken here */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          version: number
          x402Version: number
          resources: (string)[]
          instructions: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/.well-known/x402.json': {
    /** Where x402 is spoken here, and how */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          x402Version: number
          lastUpdated: string
          items: ({
            resource: string
            accepts: (Record<string, unknown>)[]
            input: Record<string, unknown>
            output: Record<string, unknown> | null
          })[]
          /** The whole list, page by page */
          discovery: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/purchases/{id}': {
    /** What became of a purchase */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          id: string
          /** `unknown`: the money may have moved; send the same request with the same payment again */
          status: "pending" | "unknown" | "settled" | "failed"
          /** What was bought: offer, relay (an offer that is sold elsewhere), request, … */
          kind: string
          offerId?: string
          /** The order it pays for, where there is one */
          orderId: string | null
          amountMicroUsd: number
          network: string
          payer: string
          txHash: string | null
          receiptId: string | null
          reason: string | null
          createdAt: string
          endedAt: string | null
          /** What was bought, for the payer who signs in with SIGN-IN-WITH-X, for seven days. */
          answer?: {
            status: number
            contentType: string
            encoding: "utf8" | "base64"
            body: string
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/facilitator/supported': {
    /** What this facilitator settles */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          kinds: ({
            x402Version: number
            scheme: string
            network: string
            /** What belongs into `extra` of an entry of `accepts` */
            extra: Record<string, string>
          })[]
          extensions: (string)[]
          signers: Record<string, (string)[]>
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/facilitator/verify': {
    /** Whether a payment would be settled */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** 1 or 2 */
        x402Version?: number
        /** What the buyer sent in PAYMENT-SIGNATURE, decoded */
        paymentPayload: unknown
        /** The entry of `accepts` that the buyer chose */
        paymentRequirements: unknown
        [name: string]: unknown
      } } }
      responses: {
        200: { content: { 'application/json': {
          isValid: boolean
          invalidReason?: string
          payer?: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/facilitator/settle': {
    /** Settle a payment on its chain */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** 1 or 2 */
        x402Version?: number
        /** What the buyer sent in PAYMENT-SIGNATURE, decoded */
        paymentPayload: unknown
        /** The entry of `accepts` that the buyer chose */
        paymentRequirements: unknown
        [name: string]: unknown
      } } }
      responses: {
        200: { content: { 'application/json': {
          success: boolean
          /** `settlement_pending`: sent, outcome unknown; ask again with the same payment */
          errorReason?: string
          payer?: string
          /** Empty when nothing was sent */
          transaction: string
          network: string
          amount?: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/webhooks/deliveries': {
    /** Webhook deliveries, newest first, with their attempts */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
          state?: "pending" | "delivered" | "failed" | "disabled"
          recipient?: string
          event?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          deliveries: ({
            id: string
            /** The receiver's webhook-id; also the event's id in /api/v1/events */
            webhookId: string
            endpointId: string
            event: string
            format: string
            recipientId: string
            url: string
            /** The text exactly as it is sent */
            body: string
            state: "pending" | "delivered" | "failed" | "disabled"
            /** Since it was made or last asked for again */
            attempts: number
            dueAt: string | null
            lastStatus: number | null
            lastError: string | null
            createdAt: string
            deliveredAt: string | null
            /** The latest twenty attempts, oldest first */
            log: ({
              at: string
              durationMs: number
              /** The headers that were sent */
              request: Record<string, string>
              /** Null when there was no answer */
              status: number | null
              /** Null when it was taken */
              error: string | null
              /** The beginning of the answer's body */
              response: string | null
            })[]
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/webhooks/deliveries/{id}/redeliver': {
    /** Send a delivery again, now, under the same webhook-id */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        202: { content: { 'application/json': {
          message: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/webhooks/endpoints/{id}/enable': {
    /** Send webhooks to an address again that was disabled */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          message: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/agents/{id}': {
    /** Verify or suspend an agent, or set where it is paid */
    patch: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** The badge that counts in the trust score */
        verified?: boolean
        /** Makes and matches nothing new; open jobs run to their end */
        suspended?: boolean
        /** EVM wallet that sales are paid to; null takes it away, so that whose it is can name it */
        payoutWallet?: string | null
        /** The same on Solana */
        solanaWallet?: string | null
      } } }
      responses: {
        200: { content: { 'application/json': {
          agentId: string
          verified: boolean
          suspended: boolean
          payoutWallet: string | null
          solanaWallet: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/wallet': {
    /** The market's own wallet */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          /** One a network */
          hotWallets: ({
            network: string
            /** The market's own wallet, which payouts leave from */
            address: string
            tokenAccount: string
            /** Micro-units. 1 USDC = 1000000. */
            spendable: string
            /** Pays the network's fees; keep it supplied */
            feePayer: string
            /** In the smallest unit of what the network takes for fees */
            feeBalance: string
            /** false: payouts wait until the fee payer is supplied */
            canPayFees: boolean
          })[]
          /** Fees earned; POST /api/v1/admin/fees/payout pays them out */
          revenue: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/findings': {
    /** What does not add up, newest first */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
          /** Ended ones too */
          all?: boolean
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          findings: ({
            id: string
            kind: string
            /** What it is about */
            subject: string
            details: Record<string, unknown>
            openedAt: string
            /** When it was last found again */
            seenAt: string
            resolvedAt: string | null
            note: string | null
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/findings/{id}/resolve': {
    /** Close a finding with a note */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        note: string
      } } }
      responses: {
        200: { content: { 'application/json': {
          id: string
          kind: string
          /** What it is about */
          subject: string
          details: Record<string, unknown>
          openedAt: string
          /** When it was last found again */
          seenAt: string
          resolvedAt: string | null
          note: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/payouts': {
    /** Payouts under way, newest first */
    get: {
      parameters: {
        query?: {
          page?: number
          limit?: number
          /** Ended ones too */
          all?: boolean
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          payouts: ({
            id: string
            /** withdrawal or panic */
            kind: string
            /** requested, queued_liquidity (can be cancelled), signed, sent, confirmed, failed or cancelled */
            status: string
            /** Micro-units. 1 USDC = 1000000. */
            amount: string
            /** Micro-units. 1 USDC = 1000000. */
            fee: string
            /** Micro-units. 1 USDC = 1000000. */
            netAmount: string
            network: string
            address: string
            txHash: string | null
            failure: string | null
            createdAt: string
            endedAt: string | null
            partyId: string | null
          })[]
          pagination: {
            page: number
            limit: number
            total: number
            totalPages: number
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/payouts/{id}/retry': {
    /** Look at a payout now, not after its pause */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          message: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/fees/payout': {
    /** Pay out all fees earned */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** A wallet of yours; never one of the market */
        address: string
      } } }
      responses: {
        201: { content: { 'application/json': {
          payoutId: string
          network: string
          address: string
          /** Micro-units. 1 USDC = 1000000. */
          amount: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/ecosystem/sources': {
    /** Sources of imported resources */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          sources: ({
            id: string
            /** The list that is read */
            url: string
            active: boolean
            /** Named by BAZAAR_SOURCES */
            configured: boolean
            /** How often the whole list has been read */
            passes: number
            /** Of the pass under way */
            progress: {
              offset: number
              counts: {
                read: number
                added: number
                changed: number
                unchanged: number
                /** Taken off the market before, and told of again */
                returned: number
                /** Not told of in two passes running, so taken off the market */
                gone: number
                /** Left out, by reason */
                skipped: Record<string, number>
              }
            }
            /** Of the last whole pass */
            last: {
              read: number
              added: number
              changed: number
              unchanged: number
              /** Taken off the market before, and told of again */
              returned: number
              /** Not told of in two passes running, so taken off the market */
              gone: number
              /** Left out, by reason */
              skipped: Record<string, number>
            } | null
            completedAt: string | null
            dueAt: string
            /** In a row */
            failures: number
            fault: string | null
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Import from this market from now on, or again now */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        url: string
      } } }
      responses: {
        200: { content: { 'application/json': {
          id: string
          /** The list that is read */
          url: string
          active: boolean
          /** Named by BAZAAR_SOURCES */
          configured: boolean
          /** How often the whole list has been read */
          passes: number
          /** Of the pass under way */
          progress: {
            offset: number
            counts: {
              read: number
              added: number
              changed: number
              unchanged: number
              /** Taken off the market before, and told of again */
              returned: number
              /** Not told of in two passes running, so taken off the market */
              gone: number
              /** Left out, by reason */
              skipped: Record<string, number>
            }
          }
          /** Of the last whole pass */
          last: {
            read: number
            added: number
            changed: number
            unchanged: number
            /** Taken off the market before, and told of again */
            returned: number
            /** Not told of in two passes running, so taken off the market */
            gone: number
            /** Left out, by reason */
            skipped: Record<string, number>
          } | null
          completedAt: string | null
          dueAt: string
          /** In a row */
          failures: number
          fault: string | null
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/ecosystem/sources/{id}': {
    /** Import from it no more, and take off the market what came from it */
    delete: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/requests/{id}/resolve': {
    /** Decide a disputed request */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** Who gets what is in escrow */
        winner: "buyer" | "seller"
      } } }
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/api/v1/admin/audit': {
    /** Check the books now */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          /** Whether every check is */
          ok: boolean
          /** The instant at which the books were read */
          at: string
          durationMs: number
          checks: ({
            name: string
            ok: boolean
            /** How many things were looked at */
            checked: number
            /** At most twenty of them */
            differences: ({
              subject: string
              expected: string
              found: string
            })[]
          })[]
          networks: ({
            network: string
            /** Micro-units. 1 USDC = 1000000. */
            liabilities: string
            /** Micro-units. 1 USDC = 1000000. */
            holdings: string
            /** Micro-units. 1 USDC = 1000000. */
            inFlight: string
            /** Micro-units. 1 USDC = 1000000. */
            uncredited: string
            covered: boolean
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/sandbox/wallets': {
    /** Make a personal wallet */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** solana or base */
        network: string
      } } }
      responses: {
        201: { content: { 'application/json': {
          network: string
          address: string
          secretKey: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/sandbox/faucet': {
    /** Test USDC and gas for an address */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** solana or base */
        network: string
        address: string
        /** Micro-units: a whole number, or its decimal string. 1 USDC = 1000000. */
        amount: number | string
      } } }
      responses: {
        200: { content: { 'application/json': {
          txHash: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/sandbox/send': {
    /** Send USDC from a personal wallet */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        /** solana or base */
        network: string
        secretKey: string
        to: string
        /** Micro-units: a whole number, or its decimal string. 1 USDC = 1000000. */
        amount: number | string
      } } }
      responses: {
        200: { content: { 'application/json': {
          txHash: string
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/sandbox/chains': {
    /** The local chains */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          solana: {
            rpcUrl: string
            mint: string
            faucet: string
          }
          base?: {
            rpcUrl: string
            chainId: number
            token: string
            faucet: string
          }
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/sandbox/clock': {
    /** The time of the market */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          now: string
          /** How far ahead of real time the market is. */
          offsetSecs: number
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
    /** Let time pass; what has become due is done before this answers */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody: { content: { 'application/json': {
        advanceSecs: number
      } } }
      responses: {
        200: { content: { 'application/json': {
          now: string
          /** How far ahead of real time the market is. */
          offsetSecs: number
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/sandbox/hooks/{name}': {
    /** Receive anything */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          name: string
        }
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          ok: boolean
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/sandbox/webhooks': {
    /** What was received, newest first */
    get: {
      parameters: {
        query?: {
          name?: string
        }
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          webhooks: ({
            name: string
            receivedAt: string
            headers: Record<string, string>
            /** Parsed where it is JSON. */
            body: unknown
            /** The text as it came, which signatures are made of. */
            raw: string
          })[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
  '/sandbox/outbox': {
    /** Mails that would have been sent */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
        cookie?: never
      }
      requestBody?: never
      responses: {
        200: { content: { 'application/json': {
          mails: (unknown)[]
        } } }
        '4XX': Refused
        '5XX': Refused
      }
    }
  }
}

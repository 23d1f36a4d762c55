import { z } from 'zod'

export const ageSchema = z.number().int().min(0)

/** The schema of section B's state. */
export const profileSchema = z.object({
  user: z.object({
    profile: z.object({ age: ageSchema, name: z.string(), city: z.string() }),
    role: z.string(),
    active: z.boolean(),
  }),
  settings: z.object({ theme: z.string(), language: z.string() }),
  visits: z.number(),
})
